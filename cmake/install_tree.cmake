# The installed tree that a separate project finds with find_package(entente).
#
#   find_package(entente REQUIRED)
#   add_executable(my_service my_service.cpp)
#   target_link_libraries(my_service PRIVATE entente::entente)
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_property(room_targets GLOBAL PROPERTY ENTENTE_ROOM_TARGETS)
if(NOT TARGET entente_cli)
  return()
endif()

add_library(entente INTERFACE)
target_link_libraries(entente INTERFACE entente_cli)
if(NOT ENTENTE_SANITIZE)  # sanitizers bring their own allocator
  target_link_libraries(entente INTERFACE mimalloc)
endif()
target_compile_features(entente INTERFACE cxx_std_20)
add_library(entente::entente ALIAS entente)

install(TARGETS entente ${room_targets} EXPORT ententeTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT ententeTargets NAMESPACE entente:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/entente)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/entente DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/constitutions DESTINATION ${CMAKE_INSTALL_DATADIR}/entente)

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/ententeConfig.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/ententeConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/entente)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/ententeConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${CMAKE_CURRENT_BINARY_DIR}/ententeConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/ententeConfigVersion.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/entente)
