# What `make wheels` builds with: a sysroot whose C library is older than the machine's, so that programs start on old
# releases; all else that they need of C and C++ comes with them. tests/packages/sysroot.py makes the sysroot.
option(DCP_PORTABLE "Carry along libstdc++, and what it takes from a newer C library than the sysroot's" OFF)
set(DCP_PYTHON_HEADERS "" CACHE PATH "Headers of the CPython to build the modules for, where it is not the one that runs the build")
if(NOT DCP_PORTABLE)
  return()
endif()

add_library(dcp_portable STATIC native/portable/glibc.cpp)
target_compile_options(dcp_portable PRIVATE -Wall -Wextra -Werror -fvisibility=hidden)
target_link_libraries(dcp_options INTERFACE dcp_portable)
# Of libraries, the linker takes what is asked for so far; libstdc++ comes last. It is nobody else's: Node has its own.
target_link_options(dcp_options INTERFACE
  -static-libstdc++ LINKER:-u,arc4random,-u,__libc_single_threaded LINKER:--exclude-libs,libstdc++.a)
# GCC looks beside itself first, where the machine's C library is.
foreach(folder usr/lib lib)
  add_link_options("-B${CMAKE_SYSROOT}/${folder}/${CMAKE_SYSTEM_PROCESSOR}-linux-gnu")
endforeach()
# In old ones, threads are in a library of their own.
add_link_options(-pthread)
# Folders of the build machine would make the same sources different bytes.
add_compile_options("-ffile-prefix-map=${CMAKE_BINARY_DIR}=." "-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.")
