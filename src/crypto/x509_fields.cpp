#include "crypto/x509_fields.h"

#include <arpa/inet.h>

#include <algorithm>
#include <ctime>
#include <optional>

namespace entente::crypto {

namespace {

constexpr std::string_view dns_prefix = "dNSName:";
constexpr std::string_view ip_prefix = "iPAddress:";
constexpr size_t max_host_name = 253;
constexpr size_t max_attributes = 64;

bool is_host_name(std::string_view text) {
  return !text.empty() && text.size() <= max_host_name &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

/// 4 or 16 bytes, network order.
std::optional<Bytes> parse_address(const std::string& text) {
  Bytes address(16);
  if (inet_pton(AF_INET6, text.c_str(), address.data()) == 1) return address;
  address.resize(4);
  if (inet_pton(AF_INET, text.c_str(), address.data()) == 1) return address;
  return std::nullopt;
}

std::optional<std::string> address_to_text(BytesView address) {
  if (address.size() != 4 && address.size() != 16) return std::nullopt;
  char text[INET6_ADDRSTRLEN];
  inet_ntop(address.size() == 4 ? AF_INET : AF_INET6, address.data(), text, sizeof text);
  return text;
}

BytesView content(const ASN1_STRING* string) {
  return {ASN1_STRING_get0_data(string), static_cast<size_t>(ASN1_STRING_length(string))};
}

/// One attribute, up to a comma that is not escaped; `rest` moves behind it.
std::string take_attribute(std::string_view& rest) {
  std::string attribute;
  size_t at = 0;
  for (; at < rest.size() && rest[at] != ','; ++at) {
    if (rest[at] == '\\' && at + 1 < rest.size()) ++at;
    attribute += rest[at];
  }
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return attribute;
}

}  // namespace

Result<SubjectAltName> SubjectAltName::parse(std::string_view text) {
  if (text.starts_with(dns_prefix)) {
    text.remove_prefix(dns_prefix.size());
    if (is_host_name(text)) return SubjectAltName{Kind::dns, std::string(text)};
  } else if (text.starts_with(ip_prefix)) {
    const std::string address(text.substr(ip_prefix.size()));
    if (parse_address(address)) return SubjectAltName{Kind::ip, address};
  }
  return Error{"subject alternative name '" + std::string(text) +
               "' is neither iPAddress:<address> nor dNSName:<host name>"};
}

std::string SubjectAltName::text() const {
  return std::string(kind == Kind::dns ? dns_prefix : ip_prefix) + value;
}

std::string name_to_text(const X509_NAME* name) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  ENTENTE_ASSERT(bio != nullptr);
  constexpr unsigned long flags =
      XN_FLAG_RFC2253 & ~static_cast<unsigned long>(XN_FLAG_DN_REV | ASN1_STRFLGS_ESC_MSB);
  if (X509_NAME_print_ex(bio.get(), name, 0, flags) < 0) return "(unprintable)";
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<size_t>(size)};
}

Result<X509NamePtr> name_from_text(std::string_view text) {
  const ErrorQueueScope errors;
  X509NamePtr name(X509_NAME_new());
  ENTENTE_ASSERT(name != nullptr);
  std::string_view rest = text;
  for (size_t count = 0; !rest.empty(); ++count) {
    const std::string attribute = take_attribute(rest);
    const size_t equals = attribute.find('=');
    if (count == max_attributes || equals == std::string::npos ||
        X509_NAME_add_entry_by_txt(name.get(), attribute.substr(0, equals).c_str(), MBSTRING_UTF8,
                                   reinterpret_cast<const uint8_t*>(attribute.data()) + equals + 1,
                                   static_cast<int>(attribute.size() - equals - 1), -1, 0) != 1) {
      return openssl_error("subject name '" + std::string(text) + "' at '" + attribute + "'");
    }
  }
  return name;
}

Result<std::vector<SubjectAltName>> alt_names_from(const GENERAL_NAMES* names) {
  std::vector<SubjectAltName> out;
  const int count = names == nullptr ? 0 : sk_GENERAL_NAME_num(names);
  for (int i = 0; i < count; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type == GEN_DNS) {
      const std::string_view host = as_text(content(name->d.dNSName));
      if (!is_host_name(host)) return Error{"alternative DNS name is not a host name"};
      out.push_back({SubjectAltName::Kind::dns, std::string(host)});
    } else if (name->type == GEN_IPADD) {
      const std::optional<std::string> address = address_to_text(content(name->d.iPAddress));
      if (!address) return Error{"alternative IP address has neither 4 nor 16 bytes"};
      out.push_back({SubjectAltName::Kind::ip, *address});
    }
  }
  return out;
}

GeneralNamesPtr alt_names_to_openssl(std::span<const SubjectAltName> names) {
  GeneralNamesPtr out(sk_GENERAL_NAME_new_null());
  ENTENTE_ASSERT(out != nullptr);
  for (const SubjectAltName& name : names) {
    const bool dns = name.kind == SubjectAltName::Kind::dns;
    const std::optional<Bytes> address =
        dns ? to_bytes(std::string_view(name.value)) : parse_address(name.value);
    ENTENTE_ASSERT(address.has_value());  // values of this type come from parsing
    ASN1_STRING* value = dns ? ASN1_IA5STRING_new() : ASN1_OCTET_STRING_new();
    GENERAL_NAME* entry = GENERAL_NAME_new();
    ENTENTE_ASSERT(value != nullptr && entry != nullptr);
    ENTENTE_ASSERT(ASN1_STRING_set(value, address->data(), static_cast<int>(address->size())) == 1);
    GENERAL_NAME_set0_value(entry, dns ? GEN_DNS : GEN_IPADD, value);
    ENTENTE_ASSERT(sk_GENERAL_NAME_push(out.get(), entry) > 0);
  }
  return out;
}

Result<UnixTime> time_from(const ASN1_TIME* time) {
  const ErrorQueueScope errors;
  std::tm fields{};
  if (ASN1_TIME_to_tm(time, &fields) != 1) return Error{"time is malformed"};
  return UnixTime(timegm(&fields));
}

}  // namespace entente::crypto
