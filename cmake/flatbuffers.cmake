# entente_flatbuffers(TARGET SCHEMA): an interface library with the C++ header that flatc makes of
# SCHEMA, `<name>_generated.h`. Header only: nothing of FlatBuffers is linked.
find_program(FLATC flatc REQUIRED)
find_path(FLATBUFFERS_INCLUDE_DIR flatbuffers/flatbuffers.h REQUIRED)

function(entente_flatbuffers target schema)
  if(TARGET ${target})
    return()
  endif()
  get_filename_component(schema ${schema} ABSOLUTE)
  get_filename_component(name ${schema} NAME_WE)
  set(folder ${PROJECT_BINARY_DIR}/generated/${target})
  set(header ${folder}/${name}_generated.h)
  add_custom_command(OUTPUT ${header}
    COMMAND ${FLATC} --cpp --scoped-enums -o ${folder} ${schema}
    DEPENDS ${schema} COMMENT "flatc ${name}.fbs" VERBATIM)
  add_custom_target(${target}_header DEPENDS ${header})
  add_library(${target} INTERFACE)
  add_dependencies(${target} ${target}_header)
  target_include_directories(${target} SYSTEM INTERFACE ${folder} ${FLATBUFFERS_INCLUDE_DIR})
endfunction()
