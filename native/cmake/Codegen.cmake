# What the build generates: wasmtime's declarations, the WebGPU client and decoder, the frame protocol, the embedded JavaScript.
set(generated "${CMAKE_CURRENT_BINARY_DIR}/generated")
set(codegen "${CMAKE_CURRENT_SOURCE_DIR}/native/codegen")
file(MAKE_DIRECTORY "${generated}")

# A package's folder and version, without importing it.
function(dcp_find_package_dir name out_dir out_version)
  execute_process(
    COMMAND "${Python_EXECUTABLE}" -c
      "import importlib.util as u, importlib.metadata as m; print(next(iter(u.find_spec('${name}').submodule_search_locations)) + ';' + m.version('${name}'))"
    RESULT_VARIABLE failed OUTPUT_VARIABLE found ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(failed)
    message(FATAL_ERROR "The Python package '${name}' is missing in ${Python_EXECUTABLE}: pip install ${name}")
  endif()
  list(GET found 0 dir)
  list(GET found 1 version)
  set(${out_dir} "${dir}" PARENT_SCOPE)
  set(${out_version} "${version}" PARENT_SCOPE)
endfunction()

dcp_find_package_dir(wasmtime DCP_WASMTIME_DIR DCP_WASMTIME_VERSION)
dcp_find_package_dir(wgpu DCP_WGPU_DIR DCP_WGPU_VERSION)
set(DCP_WGPU_INCLUDE_DIR "${DCP_WGPU_DIR}/resources")

file(GLOB JS_FILES CONFIGURE_DEPENDS native/runtime/js/*.js)
set(js_order primordials global-scope frame-protocol error-report webidl dom-exception async-context events abort inspect locale console timers encoding-labels legacy-encodings encoding base64 url-host url-parser url-search-params url structured-clone crypto
             performance webassembly-strings webassembly-errors webassembly-idl webassembly-module webassembly-memory webassembly-table
             webassembly-global webassembly-exception webassembly-hooks webassembly-instance webassembly webassembly-features webassembly-streaming
             webgpu-idl webgpu-wire webgpu-objects webgpu-formats webgpu-generated
             webgpu-device webgpu-buffer webgpu-texture webgpu-queue webgpu-pipeline webgpu line shell random template job)

set(wgpu_resources "${DCP_WGPU_DIR}/resources")
set(webgpu_client "${generated}/webgpu-generated.js")
set(DCP_WEBGPU_SERVER "${generated}/webgpu_decoder.cpp" "${generated}/webgpu_decoder.hpp")
file(GLOB webgpu_codegen CONFIGURE_DEPENDS "${codegen}/webgpu_codegen.py" "${codegen}/webgpu/*.py")
add_custom_command(
  OUTPUT "${webgpu_client}" ${DCP_WEBGPU_SERVER} "${generated}/webgpu_report.md"
  COMMAND "${Python_EXECUTABLE}" "${codegen}/webgpu_codegen.py"
          --idl "${wgpu_resources}/webgpu.idl" --header "${wgpu_resources}/webgpu.h"
          --wgpu-header "${wgpu_resources}/wgpu.h" --client "${webgpu_client}"
          --server-header "${generated}/webgpu_decoder.hpp" --server "${generated}/webgpu_decoder.cpp"
          --report "${generated}/webgpu_report.md"
  DEPENDS ${webgpu_codegen} "${wgpu_resources}/webgpu.idl" "${wgpu_resources}/webgpu.h" "${wgpu_resources}/wgpu.h"
  VERBATIM)

set(frame_table "${CMAKE_CURRENT_SOURCE_DIR}/python/dcp_evaluator/frames/table.py")
set(frame_javascript "${generated}/frame-protocol.js")
set(frame_header "${generated}/frame_protocol.hpp")
add_custom_command(
  OUTPUT "${frame_javascript}" "${frame_header}"
  COMMAND "${Python_EXECUTABLE}" "${codegen}/frame_protocol.py" --table "${frame_table}"
          --javascript "${frame_javascript}" --header "${frame_header}"
  DEPENDS "${codegen}/frame_protocol.py" "${frame_table}"
  VERBATIM)
add_custom_target(dcp_frame_protocol DEPENDS "${frame_header}")

set(gpu_places "${CMAKE_CURRENT_SOURCE_DIR}/python/dcp_evaluator/gpu/places.py")
set(DCP_GPU_PLACES "${generated}/gpu_places.hpp")
add_custom_command(
  OUTPUT "${DCP_GPU_PLACES}"
  COMMAND "${Python_EXECUTABLE}" "${codegen}/gpu_places.py" --table "${gpu_places}" --header "${DCP_GPU_PLACES}"
  DEPENDS "${codegen}/gpu_places.py" "${gpu_places}"
  VERBATIM)

foreach(file IN LISTS JS_FILES)
  get_filename_component(name "${file}" NAME_WE)
  if(NOT name IN_LIST js_order)
    message(FATAL_ERROR "${file} is in no place of js_order in native/cmake/Codegen.cmake, the order in which the "
                        "runtime's scripts run: put it behind those whose members of `runtime` it uses.")
  endif()
endforeach()
set(embedded)
foreach(name IN LISTS js_order)
  if(name STREQUAL "webgpu-generated")
    list(APPEND embedded "${webgpu_client}")
  elseif(name STREQUAL "frame-protocol")
    list(APPEND embedded "${frame_javascript}")
  else()
    list(APPEND embedded "${CMAKE_CURRENT_SOURCE_DIR}/native/runtime/js/${name}.js")
  endif()
endforeach()
set(DCP_EMBEDDED_JS "${generated}/js_files.cpp")
add_custom_command(
  OUTPUT "${DCP_EMBEDDED_JS}"
  COMMAND "${Python_EXECUTABLE}" "${codegen}/embed_js.py" --output "${DCP_EMBEDDED_JS}" ${embedded}
  DEPENDS "${codegen}/embed_js.py" ${embedded}
  VERBATIM)

set(DCP_ENCODING_TABLES "${generated}/encoding_tables.cpp")
add_custom_command(
  OUTPUT "${DCP_ENCODING_TABLES}"
  COMMAND "${Python_EXECUTABLE}" "${codegen}/encoding_tables.py" --output "${DCP_ENCODING_TABLES}"
  DEPENDS "${codegen}/encoding_tables.py"
  VERBATIM)

set(DCP_WASMTIME_API "${generated}/wasmtime_api.h")
add_custom_command(
  OUTPUT "${DCP_WASMTIME_API}"
  COMMAND "${Python_EXECUTABLE}" "${codegen}/wasmtime_header.py" --package "${DCP_WASMTIME_DIR}"
          --output "${DCP_WASMTIME_API}"
  DEPENDS "${codegen}/wasmtime_header.py" "${DCP_WASMTIME_DIR}/_bindings.py"
  VERBATIM)
