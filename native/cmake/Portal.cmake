# What the portal's page runs in browsers beside its own scripts: two packages of npm, fetched with the hashes of
# packaging/portal/package-lock.json. Their modules are installed as they are.
set(portal_lock "${CMAKE_CURRENT_SOURCE_DIR}/packaging/portal")
set(DCP_PORTAL_PACKAGES_DIR "$ENV{DCP_PORTAL_PACKAGES_DIR}" CACHE PATH
  "A node_modules with what packaging/portal names, for builds without a network")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${portal_lock}/package-lock.json")

if(NOT DCP_PORTAL_PACKAGES_DIR)
  file(SHA256 "${portal_lock}/package-lock.json" hash)
  string(SUBSTRING "${hash}" 0 16 hash)
  set(fetched "${CMAKE_CURRENT_BINARY_DIR}/portal-${hash}")
  if(NOT EXISTS "${fetched}/node_modules/.package-lock.json")
    set(node "${DCP_NODE_DIR}/bin/node")
    set(npm "${node}" "${DCP_NODE_DIR}/lib/node_modules/npm/bin/npm-cli.js")
    if(NOT EXISTS "${node}")
      set(npm npm)
    endif()
    message(STATUS "Fetching the portal's packages with npm")
    file(COPY "${portal_lock}/package.json" "${portal_lock}/package-lock.json" DESTINATION "${fetched}")
    execute_process(
      COMMAND ${npm} ci --ignore-scripts --no-audit --no-fund WORKING_DIRECTORY "${fetched}"
      RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
    if(failed)
      message(FATAL_ERROR "npm could not fetch the packages that ${portal_lock}/package-lock.json names. Without a "
                          "network, set the environment's DCP_PORTAL_PACKAGES_DIR to a node_modules that has them.\n"
                          "${output}")
    endif()
  endif()
  set(portal_packages "${fetched}/node_modules")
else()
  set(portal_packages "${DCP_PORTAL_PACKAGES_DIR}")
endif()

set(portal_folder dcp_scheduler/portal/site/noble)
foreach(name scrypt pbkdf2 sha2 sha3 hmac _md _u64 utils)
  install(FILES "${portal_packages}/@noble/hashes/${name}.js" DESTINATION "${portal_folder}/hashes")
endforeach()
install(FILES "${portal_packages}/@noble/secp256k1/index.js" DESTINATION "${portal_folder}" RENAME secp256k1.js)
foreach(package hashes secp256k1)
  install(FILES "${portal_packages}/@noble/${package}/LICENSE" DESTINATION "${portal_folder}" RENAME "LICENSE.${package}")
endforeach()
