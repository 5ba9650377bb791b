# entente_room(NAME [USES room...] [LIBRARIES target...])
# One folder under src/ is one room: a static library of its sources, a test program of its
# *_test.cpp, a benchmark program of its *_bench.cpp and one fuzzer per *_fuzz.cpp.
#
# entente_precompile(TARGET [test]): see cmake/precompiled.h.
function(entente_precompile target)
  if(NOT ENTENTE_PRECOMPILED)
    return()
  endif()
  set(header precompiled.h)
  if("test" IN_LIST ARGN)
    set(header precompiled_test.h)
  endif()
  target_precompile_headers(${target} PRIVATE
    "$<$<COMPILE_LANGUAGE:CXX>:${PROJECT_SOURCE_DIR}/cmake/${header}>")
endfunction()

function(entente_room name)
  cmake_parse_arguments(ROOM "" "" "USES;LIBRARIES;TEST_LIBRARIES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cpp)
  set(tests ${sources})
  set(benches ${sources})
  set(fuzzers ${sources})
  list(FILTER sources EXCLUDE REGEX "_(test|bench|fuzz)\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER benches INCLUDE REGEX "_bench\\.cpp$")
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cpp$")

  if(NOT sources)
    return()
  endif()
  add_library(entente_${name} STATIC ${sources})
  target_include_directories(entente_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>
    $<INSTALL_INTERFACE:include>)
  target_link_libraries(entente_${name} PRIVATE $<BUILD_INTERFACE:entente_options>)
  target_compile_features(entente_${name} PUBLIC cxx_std_20)
  foreach(used IN LISTS ROOM_USES)
    if(TARGET entente_${used})
      target_link_libraries(entente_${name} PUBLIC entente_${used})
    endif()
  endforeach()
  target_link_libraries(entente_${name} PUBLIC ${ROOM_LIBRARIES})
  entente_precompile(entente_${name})
  set_property(GLOBAL APPEND PROPERTY ENTENTE_ROOM_TARGETS entente_${name})

  if(ENTENTE_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE
      entente_options entente_${name} GTest::gtest GTest::gmock GTest::gtest_main rapidcheck
      ${ROOM_TEST_LIBRARIES})
    target_compile_definitions(${name}_test PRIVATE
      ENTENTE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    entente_precompile(${name}_test test)
    if(NOT ENTENTE_SANITIZE)
      target_compile_options(${name}_test PRIVATE -O0)  # what they test is optimised
    endif()
    gtest_discover_tests(${name}_test TEST_PREFIX ${name}/ DISCOVERY_TIMEOUT 60
      PROPERTIES TIMEOUT 600)
  endif()
  if(ENTENTE_BENCHMARKS AND benches)
    add_executable(${name}_bench ${benches})
    target_link_libraries(${name}_bench PRIVATE
      entente_options entente_${name} benchmark::benchmark benchmark::benchmark_main mimalloc)
  endif()
  if(ENTENTE_FUZZERS)
    foreach(fuzzer IN LISTS fuzzers)
      get_filename_component(target ${fuzzer} NAME_WE)
      add_executable(${target} ${fuzzer})
      target_link_libraries(${target} PRIVATE entente_options entente_${name})
      target_link_options(${target} PRIVATE -fsanitize=fuzzer)
      set_property(GLOBAL APPEND PROPERTY ENTENTE_FUZZER_TARGETS ${target})
    endforeach()
  endif()
endfunction()
