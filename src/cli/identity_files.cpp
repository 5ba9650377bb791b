#include "cli/identity_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "base/environment.h"
#include "crypto/digest.h"
#include "crypto/rsa.h"
#include "crypto/secret.h"
#include "crypto/x509_issue.h"

namespace entente::cli {
namespace {

constexpr unsigned readable = 0644, owner_only = 0600;

struct NewFile {
  std::string path;
  std::string_view content;
  unsigned mode;
};

Result<void> check_name(const std::string& name) {
  constexpr size_t longest_name = 64;
  const bool good = !name.empty() && name.size() <= longest_name && name[0] != '.' &&
                    name.find_first_not_of(
                        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789-_.") == std::string::npos;
  if (good) return {};
  return Error{"'" + name.substr(0, longest_name) +
               "' is no name for an identity; allowed are letters, digits, '-', '_' and '.', " +
               "at most 64 of them, '.' not first"};
}

}  // namespace

std::vector<std::string> IdentityFiles::all() const {
  std::vector<std::string> out{certificate, private_key};
  if (encryption_public_key) out.push_back(*encryption_public_key);
  if (encryption_private_key) out.push_back(*encryption_private_key);
  return out;
}

Result<void> write_new_file(const std::string& path, std::string_view content, unsigned mode) {
  const auto failed = [&] { return Error{path + ": " + std::strerror(errno)}; };
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) return failed();
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0) {
      const Error error = failed();
      ::close(fd);
      return error;
    }
    content.remove_prefix(static_cast<size_t>(n));
  }
  if (::close(fd) != 0) return failed();
  return {};
}

Result<IdentityFiles> make_identity(const IdentityRequest& request) {
  if (auto checked = check_name(request.name); !checked) return checked.error();
  const std::string stem = (std::filesystem::path(request.folder) / request.name).string();
  IdentityFiles files{stem + "_cert.pem", stem + "_privk.pem", {}, {}};
  if (request.encryption_key) {
    files.encryption_public_key = stem + "_enc_pubk.pem";
    files.encryption_private_key = stem + "_enc_privk.pem";
  }
  for (const std::string& path : files.all()) {
    if (system_disk().exists(path)) return Error{path + " exists already and is left as it is"};
  }
  if (auto made = system_disk().create_folders(request.folder); !made) return made.error();

  const crypto::KeyPair key = crypto::KeyPair::generate(request.curve);
  const auto certificate = crypto::self_signed_identity(
      key, "CN=" + request.name, {system_clock().unix_time(), request.validity_days});
  if (!certificate) return certificate.error();
  std::string private_pem = key.private_pem(), encryption_pem;
  const crypto::WipeAtExit wiped(private_pem), encryption_wiped(encryption_pem);
  const std::string certificate_pem = certificate->pem();
  std::string encryption_public_pem;
  std::vector<NewFile> contents{{files.private_key, private_pem, owner_only},
                                {files.certificate, certificate_pem, readable}};
  if (request.encryption_key) {
    const crypto::RsaKeyPair pair = crypto::RsaKeyPair::generate(2048);
    encryption_pem = pair.private_pem();
    encryption_public_pem = pair.public_key().pem();
    contents.push_back({*files.encryption_private_key, encryption_pem, owner_only});
    contents.push_back({*files.encryption_public_key, encryption_public_pem, readable});
  }
  for (const NewFile& file : contents) {
    if (auto written = write_new_file(file.path, file.content, file.mode); !written) {
      return written.error();
    }
  }
  return files;
}

Result<std::string> identity_id(const std::string& certificate_file) {
  constexpr uint64_t longest_file = 1 << 20;
  const auto pem = read_file(system_disk(), certificate_file, longest_file);
  if (!pem) return pem.error();
  const auto certificate = crypto::Certificate::from_pem(as_text(*pem));
  if (!certificate) return certificate.error().at(certificate_file);
  return crypto::sha256(certificate->der()).hex();
}

}  // namespace entente::cli
