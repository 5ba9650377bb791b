#include "entente/http.h"

#include <array>

namespace entente::http {
namespace {

constexpr std::array<std::string_view, method_count> method_names = {
    "DELETE",     "GET",       "HEAD",        "POST",   "PUT",       "CONNECT",  "OPTIONS",
    "TRACE",      "COPY",      "LOCK",        "MKCOL",  "MOVE",      "PROPFIND", "PROPPATCH",
    "SEARCH",     "UNLOCK",    "BIND",        "REBIND", "UNBIND",    "ACL",      "REPORT",
    "MKACTIVITY", "CHECKOUT",  "MERGE",       "M-SEARCH", "NOTIFY",  "SUBSCRIBE", "UNSUBSCRIBE",
    "PATCH",      "PURGE",     "MKCALENDAR",  "LINK",   "UNLINK",    "SOURCE",   "QUERY"};

struct Reason {
  int status;
  std::string_view text;
};

constexpr Reason reasons[] = {
    {100, "Continue"}, {101, "Switching Protocols"}, {200, "OK"}, {201, "Created"},
    {202, "Accepted"}, {203, "Non-Authoritative Information"}, {204, "No Content"},
    {205, "Reset Content"}, {206, "Partial Content"}, {300, "Multiple Choices"},
    {301, "Moved Permanently"}, {302, "Found"}, {303, "See Other"}, {304, "Not Modified"},
    {307, "Temporary Redirect"}, {308, "Permanent Redirect"}, {400, "Bad Request"},
    {401, "Unauthorized"}, {402, "Payment Required"}, {403, "Forbidden"}, {404, "Not Found"},
    {405, "Method Not Allowed"}, {406, "Not Acceptable"}, {407, "Proxy Authentication Required"},
    {408, "Request Timeout"}, {409, "Conflict"}, {410, "Gone"}, {411, "Length Required"},
    {412, "Precondition Failed"}, {413, "Payload Too Large"}, {414, "URI Too Long"},
    {415, "Unsupported Media Type"}, {416, "Range Not Satisfiable"}, {417, "Expectation Failed"},
    {418, "I'm a teapot"}, {421, "Misdirected Request"}, {422, "Unprocessable Entity"},
    {423, "Locked"}, {424, "Failed Dependency"}, {425, "Too Early"}, {426, "Upgrade Required"},
    {428, "Precondition Required"}, {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"}, {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"}, {501, "Not Implemented"}, {502, "Bad Gateway"},
    {503, "Service Unavailable"}, {504, "Gateway Timeout"}, {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"}, {511, "Network Authentication Required"}};

}  // namespace

std::string_view to_text(Method method) { return method_names[static_cast<size_t>(method)]; }

std::optional<Method> parse_method(std::string_view token) {
  for (size_t i = 0; i < method_names.size(); ++i) {
    if (method_names[i] == token) return static_cast<Method>(i);
  }
  return std::nullopt;
}

std::string_view reason(int status) {
  for (const Reason& known : reasons) {
    if (known.status == status) return known.text;
  }
  return "";
}

}  // namespace entente::http
