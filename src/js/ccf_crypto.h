#pragma once
// The parts of ccf.crypto. Inside this room only.

#include <optional>
#include <span>
#include <string>

#include "js/ccf.h"

namespace entente::js {

std::span<const Native> key_generation_natives();  // js/ccf_crypto_keys.cpp
std::span<const Native> signature_natives();       // js/ccf_crypto_sign.cpp
std::span<const Native> key_wrap_natives();        // js/ccf_crypto_wrap.cpp
std::span<const Native> jwk_natives();             // js/ccf_crypto_jwk.cpp

// Members of parameter objects such as `{name, hash, saltLength}`. Getters run: take views of
// buffers afterwards. nullopt or false: an exception is pending.

/// A string.
std::optional<std::string> text_member(JSContext* context, JSValueConst object, const char* name);
/// An integer in [0, 2^31); `otherwise` if undefined. TypeError, RangeError.
std::optional<unsigned> unsigned_member(JSContext* context, JSValueConst object, const char* name,
                                        unsigned otherwise);
/// A copy of an ArrayBuffer; empty if undefined. TypeError.
std::optional<Bytes> buffer_member(JSContext* context, JSValueConst object, const char* name);

/// The number itself; nullopt for everything that is not an integer in [0, 2^53], no exception.
std::optional<uint64_t> whole_number(JSContext* context, JSValueConst value);

}  // namespace entente::js
