# Everything that the project uses and did not write. All of it is packaged by Debian 12 and 13.
if(POLICY CMP0167)
  cmake_policy(SET CMP0167 NEW)  # Boost's own configuration files
endif()
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
pkg_check_modules(LIBCBOR REQUIRED IMPORTED_TARGET libcbor)
pkg_check_modules(NGHTTP2 REQUIRED IMPORTED_TARGET libnghttp2)
find_package(mimalloc REQUIRED)  # 2 on Debian 12, 3 on Debian 13
include(quickjs)  # the JavaScript engine, built from source
find_path(CLI11_INCLUDE_DIR CLI/CLI.hpp REQUIRED)
if(ENTENTE_TESTS)
  find_package(GTest REQUIRED)
  find_package(rapidcheck REQUIRED)
  include(GoogleTest)
endif()
if(ENTENTE_BENCHMARKS)
  find_package(benchmark REQUIRED)
endif()
