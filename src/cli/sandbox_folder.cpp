#include "cli/sandbox_folder.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <system_error>

#include "base/environment.h"
#include "base/json.h"
#include "cli/bench_smallbank.h"
#include "cli/constitution_files.h"

namespace entente::cli {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t longest_file = 1 << 20;
constexpr unsigned readable = 0644;

IdentityFiles identity(const SandboxFolder& folder, const std::string& name, bool member) {
  IdentityFiles files{folder.file(name + "_cert.pem"), folder.file(name + "_privk.pem"), {}, {}};
  if (member) {
    files.encryption_public_key = folder.file(name + "_enc_pubk.pem");
    files.encryption_private_key = folder.file(name + "_enc_privk.pem");
  }
  return files;
}

Result<std::string> small_text(const std::string& path) {
  const auto content = read_file(system_disk(), path, longest_file);
  if (!content) return content.error();
  return entente::to_text(BytesView(*content));
}

std::string name_of(const std::string& path) {
  return fs::path(path).filename().string();
}

}  // namespace

SandboxFolder::SandboxFolder(std::string path)
    : path_(fs::absolute(fs::path(std::move(path))).lexically_normal().string()) {
  while (path_.size() > 1 && path_.back() == '/') path_.pop_back();
}

std::string SandboxFolder::file(const std::string& name) const {
  return path_ + "/" + name;
}
IdentityFiles SandboxFolder::user(unsigned number) const {
  return identity(*this, "user" + std::to_string(number), false);
}
IdentityFiles SandboxFolder::member(unsigned number) const {
  return identity(*this, "member" + std::to_string(number), true);
}

SandboxFolder SandboxFolder::node(unsigned number) const {
  return number == 0 ? *this : SandboxFolder(file("node" + std::to_string(number)));
}

std::vector<SandboxFolder> SandboxFolder::nodes() const {
  std::vector<SandboxFolder> out{*this};
  std::error_code ignored;
  for (unsigned i = 1; fs::is_directory(node(i).path(), ignored); ++i) out.push_back(node(i));
  return out;
}

bool SandboxFolder::is_free() const {
  std::error_code ignored;
  return !fs::exists(path_, ignored) ||
         (fs::is_directory(path_, ignored) && fs::is_empty(path_, ignored));
}

std::string SandboxFolder::description() const {
  std::error_code ignored;
  if (!fs::is_directory(path_, ignored)) return "a file";
  if (!system_disk().exists(configuration())) return "files that no sandbox made";
  std::string out = "an earlier sandbox";
  struct stat status {};
  if (::stat(configuration().c_str(), &status) == 0) {
    char when[32];
    std::tm local{};
    localtime_r(&status.st_mtime, &local);
    std::strftime(when, sizeof when, "%Y-%m-%d %H:%M", &local);
    out += fmt::format(", made on {}", when);
  }
  if (const auto chunks = system_disk().list(file("ledger")); chunks && !chunks->empty()) {
    out += fmt::format(", with a ledger of {} files", chunks->size());
  }
  for (const SandboxFolder& one : nodes()) {
    const auto pid = one.running_node();
    if (!pid) continue;
    out += fmt::format(", whose node still runs (process {})", *pid);
    break;
  }
  return out;
}

Result<void> SandboxFolder::write_configuration(const SandboxPlan& plan,
                                                std::vector<std::string> constitution) const {
  SandboxGenesis genesis;
  genesis.constitution_files = std::move(constitution);
  for (unsigned i = 0; i < plan.members; ++i) {
    const IdentityFiles files = member(i);
    genesis.members.push_back({name_of(files.certificate), name_of(*files.encryption_public_key)});
  }
  const auto document = starting_configuration({plan.port, plan.nodes > 1}, genesis);
  return write_new_file(configuration(), json::dump_indented(document) + "\n", readable);
}

Result<void> SandboxFolder::prepare_to_join(const SandboxFolder& home, const std::string& target,
                                            uint16_t port) const {
  if (!is_free()) return Error{path_ + " is not empty"};
  if (auto made = system_disk().create_folders(path_); !made) return made.error();
  const auto certificate = small_text(home.service_certificate());
  if (!certificate) return certificate.error();
  if (auto copied = write_new_file(service_certificate(), *certificate, readable); !copied) {
    return copied;
  }
  const auto document = joining_configuration({port, true}, target);
  return write_new_file(configuration(), json::dump_indented(document) + "\n", readable);
}

Result<void> SandboxFolder::prepare(const SandboxPlan& plan) const {
  const auto constitution = constitution_files(plan.constitution);
  if (!constitution) return constitution.error().at("the constitution");
  if (auto made = system_disk().create_folders(file("constitution")); !made) return made.error();
  std::vector<std::string> scripts;
  for (const std::string& path : *constitution) {
    const auto script = small_text(path);
    if (!script) return script.error();
    scripts.push_back("constitution/" + name_of(path));
    auto copied = write_new_file(file(scripts.back()), *script, readable);
    if (!copied) return copied.error();
  }
  for (unsigned i = 0; i < plan.members; ++i) {
    const auto made = make_identity(
        {path_, "member" + std::to_string(i), crypto::Curve::p384, sandbox_validity_days, true});
    if (!made) return made.error();
  }
  for (unsigned i = 0; i < plan.users; ++i) {
    const auto user_made = make_identity(
        {path_, "user" + std::to_string(i), crypto::Curve::p384, sandbox_validity_days, false});
    if (!user_made) return user_made.error();
  }
  if (plan.application == "smallbank") {
    // Bodies for the requests that are printed: FlatBuffers cannot be typed.
    auto batch = write_new_file(file("create_batch.bin"), smallbank_population_body(), readable);
    auto balance = write_new_file(file("account_3.bin"), smallbank_account_body(3), readable);
    if (!batch) return batch.error();
    if (!balance) return balance.error();
  }
  return write_configuration(plan, std::move(scripts));
}

Result<std::string> SandboxFolder::rpc_address() const {
  const auto text = small_text(file("rpc_addresses.json"));
  if (!text) return text.error();
  const auto document = json::parse(*text);
  if (!document) return document.error().at(file("rpc_addresses.json"));
  const json::object* interfaces = document->if_object();
  const json::value* address = interfaces == nullptr ? nullptr : interfaces->if_contains("main");
  if (address == nullptr || !address->is_string()) {
    return Error{file("rpc_addresses.json") + " names no interface 'main'"};
  }
  return std::string(address->get_string());
}

std::optional<int> SandboxFolder::running_node() const {
  const auto text = small_text(file("node.pid"));
  if (!text || text->empty() || text->find_first_not_of("0123456789") != std::string::npos) {
    return std::nullopt;
  }
  // Another process may have that number by now; the node works in this folder.
  std::error_code error;
  const fs::path folder = fs::read_symlink("/proc/" + *text + "/cwd", error);
  if (error || folder != fs::canonical(path_, error) || error || text->size() > 9) {
    return std::nullopt;
  }
  return std::stoi(*text);
}

}  // namespace entente::cli
