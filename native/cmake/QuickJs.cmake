# QuickJS-NG: the C sources of the quickjs-ng sdist, fetched by pip with the hash of quickjs.lock.
set(QUICKJS_LOCK "${CMAKE_CURRENT_SOURCE_DIR}/native/engine/quickjs/quickjs.lock")
file(READ "${QUICKJS_LOCK}" lock)
string(REGEX MATCH "==([0-9.]+)" unused "${lock}")
set(DCP_QUICKJS_VERSION "${CMAKE_MATCH_1}")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${QUICKJS_LOCK}")

if(NOT DCP_QUICKJS_SOURCE_DIR)
  set(fetched "${CMAKE_CURRENT_BINARY_DIR}/quickjs_ng-${DCP_QUICKJS_VERSION}")
  if(NOT EXISTS "${fetched}/upstream-quickjs/quickjs.c")
    message(STATUS "Fetching the QuickJS-NG ${DCP_QUICKJS_VERSION} sources with pip")
    execute_process(
      COMMAND "${Python_EXECUTABLE}" -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all:
              --no-build-isolation --require-hashes -r "${QUICKJS_LOCK}" -d "${CMAKE_CURRENT_BINARY_DIR}"
      RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
    if(failed)
      message(FATAL_ERROR "pip could not fetch the QuickJS-NG sources that ${QUICKJS_LOCK} names. Without a network, "
                          "unpack that sdist and set DCP_QUICKJS_SOURCE_DIR to its upstream-quickjs folder.\n${output}")
    endif()
    file(ARCHIVE_EXTRACT INPUT "${fetched}.tar.gz" DESTINATION "${CMAKE_CURRENT_BINARY_DIR}")
  endif()
  set(quickjs_dir "${fetched}/upstream-quickjs")
else()
  set(quickjs_dir "${DCP_QUICKJS_SOURCE_DIR}")
endif()

# A copy of its sources, changed by native/engine/quickjs/patches; each patch tells its reason.
find_program(DCP_PATCH patch)
if(NOT DCP_PATCH)
  message(FATAL_ERROR "patch is missing, which changes QuickJS-NG. Debian and Ubuntu: apt-get install patch")
endif()
set(quickjs_own "${CMAKE_CURRENT_SOURCE_DIR}/native/engine/quickjs")
set(quickjs_patched "${generated}/quickjs")
set(staging "${CMAKE_CURRENT_BINARY_DIR}/quickjs-staging")
file(GLOB quickjs_sources CONFIGURE_DEPENDS "${quickjs_dir}/*.c" "${quickjs_dir}/*.h")
file(GLOB quickjs_patches CONFIGURE_DEPENDS "${quickjs_own}/patches/*.patch")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${quickjs_sources} ${quickjs_patches})
file(REMOVE_RECURSE "${staging}")
file(COPY ${quickjs_sources} DESTINATION "${staging}" NO_SOURCE_PERMISSIONS)
foreach(patch IN LISTS quickjs_patches)
  execute_process(
    COMMAND "${DCP_PATCH}" --force --fuzz=0 --no-backup-if-mismatch --strip=1 "--directory=${staging}" "--input=${patch}"
    RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(failed)
    message(FATAL_ERROR "${patch} does not fit ${quickjs_dir}, which should be QuickJS-NG ${DCP_QUICKJS_VERSION}. If "
                        "another version passes the tests without the patch, remove it.\n${output}")
  endif()
endforeach()
# What quickjs.h does not offer, and what the patches call, needs the structs of quickjs.c.
set(quickjs_included strings scripts memory objects errors short_strings json_strings atomics recorders)
list(TRANSFORM quickjs_included REPLACE "(.+)" "\n#include \"engine/quickjs/\\1.c\"" OUTPUT_VARIABLE includes)
file(APPEND "${staging}/quickjs.c" ${includes} "\n")
file(MAKE_DIRECTORY "${quickjs_patched}")
foreach(source IN LISTS quickjs_sources)
  get_filename_component(name "${source}" NAME)
  file(COPY_FILE "${staging}/${name}" "${quickjs_patched}/${name}" ONLY_IF_DIFFERENT)
endforeach()

add_library(quickjs STATIC)
foreach(name quickjs dtoa libregexp libunicode)
  target_sources(quickjs PRIVATE "${quickjs_patched}/${name}.c")
endforeach()
set_target_properties(quickjs PROPERTIES C_EXTENSIONS ON C_VISIBILITY_PRESET hidden)
target_compile_definitions(quickjs PRIVATE _GNU_SOURCE $<$<BOOL:${DCP_GC_STRESS}>:FORCE_GC_AT_MALLOC>)
target_compile_options(quickjs PRIVATE -w)
list(TRANSFORM quickjs_included REPLACE "(.+)" "${quickjs_own}/\\1.c")
file(GLOB quickjs_headers CONFIGURE_DEPENDS "${quickjs_own}/*.h")
set(math_functions "${quickjs_own}/math_functions.h")
set_source_files_properties("${quickjs_patched}/quickjs.c" PROPERTIES
  COMPILE_OPTIONS "-I${CMAKE_CURRENT_SOURCE_DIR}/native;-include;${math_functions}")
target_include_directories(quickjs SYSTEM PUBLIC "${quickjs_patched}")
target_link_libraries(quickjs PUBLIC m Threads::Threads PRIVATE dcp_fdlibm)

# What compiled scripts depend on: bytes that another build has written are not read.
set(fingerprint "${CMAKE_SYSTEM_PROCESSOR}")
list(TRANSFORM quickjs_sources REPLACE ".*/" "${quickjs_patched}/" OUTPUT_VARIABLE quickjs_built)
foreach(file IN LISTS quickjs_built quickjs_included quickjs_headers)
  file(SHA256 "${file}" hash)
  string(APPEND fingerprint " ${hash}")
endforeach()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${quickjs_included} ${quickjs_headers})
string(SHA256 DCP_SCRIPT_FORMAT "${fingerprint}")
