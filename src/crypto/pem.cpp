#include "crypto/pem.h"

#include <openssl/pem.h>

#include "crypto/openssl.h"

namespace entente::crypto {

namespace {

using CString = std::unique_ptr<char, FreeWith<[](char* text) { OPENSSL_free(text); }>>;

}  // namespace

std::string to_pem(std::string_view label, BytesView der) {
  const BioPtr bio(BIO_new(BIO_s_secmem()));
  ENTENTE_ASSERT(bio != nullptr);
  ENTENTE_ASSERT(PEM_write_bio(bio.get(), std::string(label).c_str(), "", der.data(),
                               static_cast<long>(der.size())) > 0);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<size_t>(size)};
}

Result<std::vector<PemBlock>> parse_pem(std::string_view text) {
  if (text.size() > max_pem_size) {
    return Error{"PEM text of " + std::to_string(text.size()) + " bytes is above the limit of " +
                 std::to_string(max_pem_size)};
  }
  if (text.empty()) return Error{"no PEM block in the text"};
  const ErrorQueueScope errors;
  const BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  ENTENTE_ASSERT(bio != nullptr);
  std::vector<PemBlock> blocks;
  for (;;) {
    char* label = nullptr;
    char* header = nullptr;
    uint8_t* data = nullptr;
    long size = 0;
    if (PEM_read_bio(bio.get(), &label, &header, &data, &size) != 1) break;
    const CString label_owner(label), header_owner(header),
        data_owner(reinterpret_cast<char*>(data));
    blocks.push_back({label, {data, data + size}});
    OPENSSL_cleanse(data, static_cast<size_t>(size));
    if (*header != '\0' || blocks.back().label == "ENCRYPTED PRIVATE KEY") {
      return Error{"PEM block " + std::to_string(blocks.size()) + " (" + blocks.back().label +
                   ") is encrypted or carries header fields, which is not supported"};
    }
  }
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
    return openssl_error("PEM block " + std::to_string(blocks.size() + 1));
  }
  if (blocks.empty()) return Error{"no PEM block in the text"};
  return blocks;
}

Result<Bytes> parse_pem(std::string_view text, std::string_view label) {
  Result<std::vector<PemBlock>> blocks = parse_pem(text);
  if (!blocks.ok()) return blocks.error();
  if (blocks->front().label != label) {
    return Error{"PEM block is a " + blocks->front().label + ", not a " + std::string(label)};
  }
  return std::move(blocks->front().der);
}

}  // namespace entente::crypto
