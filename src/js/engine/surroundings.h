#pragma once
/* What the engine takes from the C library where that would not do: the build of the engine
   (cmake/quickjs.cmake) maps the library's names to these. C, because the engine is C.

   A script may be stopped anywhere in the engine by leaving it (js/escape.h). So the engine must
   hold no lock of the process at any time, and must not end the process when it is at a loss. */

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Per thread: what Date takes as now, in microseconds since 1970; the machine's clock if null. */
extern __thread int64_t (*entente_engine_now)(void* opaque);
extern __thread void* entente_engine_now_opaque;

/* Per thread: where abort() and failed assertions of the engine go. Must not return. Null: the
   process ends. */
extern __thread void (*entente_engine_gave_up)(void* opaque, const char* why);
extern __thread void* entente_engine_gave_up_opaque;

#ifdef __cplusplus
}
#endif
