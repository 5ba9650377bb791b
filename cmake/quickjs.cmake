# The JavaScript engine: target `quickjs`, a static library out of the sources of the Debian package
# qjs-src. They are in /usr/src/quickjs-ng where that package is installed (Debian 14 on); elsewhere
# scripts/setup fetches them into build/engine (docs/javascript.md, Where the engine comes from).
#
# The engine is built without its operating system library (no files, no threads, no processes), and
# what it takes from the C library is mapped to src/js/engine/surroundings.c. A few of its texts are
# replaced by those that applications know; nothing else of it is changed.
set(ENTENTE_QUICKJS_SOURCES "" CACHE PATH "Folder of the engine's sources, if not found by itself")
set(candidates ${ENTENTE_QUICKJS_SOURCES} ${PROJECT_SOURCE_DIR}/build/engine/quickjs-ng
  /usr/src/quickjs-ng)
unset(quickjs_sources)
foreach(folder IN LISTS candidates)
  if(NOT quickjs_sources AND EXISTS ${folder}/quickjs.c AND EXISTS ${folder}/dtoa.c)
    set(quickjs_sources ${folder})
  endif()
endforeach()
if(NOT quickjs_sources)
  message(FATAL_ERROR "The sources of the JavaScript engine are not there: run ./scripts/setup")
endif()
file(READ ${quickjs_sources}/quickjs.h quickjs_header)
if(NOT quickjs_header MATCHES "QUICKJS_NG 1")
  message(FATAL_ERROR "${quickjs_sources} does not hold QuickJS-NG")
endif()
string(REGEX MATCH "QJS_VERSION_MAJOR ([0-9]+)[^#]*#define QJS_VERSION_MINOR ([0-9]+)" ignored
  "${quickjs_header}")
if("${CMAKE_MATCH_1}.${CMAKE_MATCH_2}" VERSION_LESS 0.17)
  message(FATAL_ERROR "${quickjs_sources} holds QuickJS-NG ${CMAKE_MATCH_1}.${CMAKE_MATCH_2}; "
    "0.17 or newer is needed: install what scripts/setup installs")
endif()
message(STATUS "JavaScript engine: QuickJS-NG ${CMAKE_MATCH_1}.${CMAKE_MATCH_2} in ${quickjs_sources}")

# A copy with the texts that are seen in answers (docs/javascript.md, Exceptions).
set(quickjs_folder ${PROJECT_BINARY_DIR}/engine)
function(entente_engine_text variable from to)
  string(FIND "${${variable}}" "${from}" place)
  if(place EQUAL -1)
    message(WARNING "This version of the engine has no longer: ${from}")
  endif()
  string(REPLACE "${from}" "${to}" changed "${${variable}}")
  set(${variable} "${changed}" PARENT_SCOPE)
endfunction()
file(MAKE_DIRECTORY ${quickjs_folder})
file(GLOB quickjs_files CONFIGURE_DEPENDS ${quickjs_sources}/*.h)
list(APPEND quickjs_files ${quickjs_sources}/libregexp.c ${quickjs_sources}/libunicode.c
  ${quickjs_sources}/dtoa.c)
file(COPY ${quickjs_files} DESTINATION ${quickjs_folder})
file(READ ${quickjs_sources}/quickjs.c quickjs_text)
entente_engine_text(quickjs_text
  [[JS_ThrowRangeError(ctx, "Maximum call stack size exceeded")]]
  [[JS_ThrowInternalError(ctx, "stack overflow")]])
entente_engine_text(quickjs_text
  [["BigInt are forbidden in JSON.stringify"]] [["bigint are forbidden in JSON.stringify"]])
file(WRITE ${quickjs_folder}/quickjs.c.new "${quickjs_text}")
file(COPY_FILE ${quickjs_folder}/quickjs.c.new ${quickjs_folder}/quickjs.c ONLY_IF_DIFFERENT)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${quickjs_sources}/quickjs.c)

add_library(quickjs STATIC
  ${quickjs_folder}/quickjs.c ${quickjs_folder}/libregexp.c ${quickjs_folder}/libunicode.c
  ${quickjs_folder}/dtoa.c ${PROJECT_SOURCE_DIR}/src/js/engine/surroundings.c)
target_include_directories(quickjs SYSTEM PUBLIC $<BUILD_INTERFACE:${quickjs_folder}>)
target_compile_features(quickjs PRIVATE c_std_11)
set_target_properties(quickjs PROPERTIES C_EXTENSIONS ON OUTPUT_NAME entente_quickjs)
# Optimised in every build, because a script's limits mean little in an engine that is ten times
# slower; its own assertions stay on.
target_compile_options(quickjs PRIVATE -O2 -UNDEBUG -w -funsigned-char -fno-omit-frame-pointer
  -fwrapv)
target_compile_definitions(quickjs PRIVATE _GNU_SOURCE QUICKJS_NG_BUILD)
set_property(SOURCE ${quickjs_folder}/quickjs.c ${quickjs_folder}/libregexp.c
  ${quickjs_folder}/libunicode.c ${quickjs_folder}/dtoa.c PROPERTY COMPILE_DEFINITIONS
  abort=entente_engine_abort
  __assert_fail=entente_engine_assert_fail
  gettimeofday=entente_engine_gettimeofday
  localtime_r=entente_engine_localtime_r
  pthread_mutex_lock=entente_engine_mutex_lock
  pthread_mutex_unlock=entente_engine_mutex_unlock)
target_link_libraries(quickjs PUBLIC m Threads::Threads)
set_property(GLOBAL APPEND PROPERTY ENTENTE_ROOM_TARGETS quickjs)
