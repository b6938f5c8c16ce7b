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

# Replaces a piece of quickjs.c, which must be there.
macro(dcp_correct before after)
  string(REPLACE "${before}" "${after}" corrected "${source}")
  if(corrected STREQUAL source)
    message(FATAL_ERROR "${quickjs_dir}/quickjs.c has no '${before}', which native/cmake/QuickJs.cmake corrects. If this "
                        "QuickJS-NG passes tests/test_language.py without it, remove the correction.")
  endif()
  set(source "${corrected}")
endmacro()

file(READ "${quickjs_dir}/quickjs.c" source)
# QuickJS-NG 0.17.0 compares a negative BigInt with a Number of another magnitude as if both were positive, and programs
# of Emscripten check with such a comparison every i64 that they take.
dcp_correct("if (f < e)" "if ((f < e) != a_sign)")
# It throws null where no memory is left for the error that says so, and nobody hears of an async function that failed for
# want of memory: an error brings the runtime's reserve with it, until the microtasks have run (memory.h).
dcp_correct("bool in_out_of_memory;" "bool in_out_of_memory;
    bool dcp_out_of_memory;
    size_t dcp_reserve;
    void *dcp_block;")
dcp_correct("rt->in_out_of_memory = true;" "rt->in_out_of_memory = true;
        void dcp_use_reserve(JSRuntime *);
        dcp_use_reserve(rt);
        const size_t limit = rt->malloc_state.malloc_limit;
        if (limit != 0) rt->malloc_state.malloc_limit = limit + 65536;")
dcp_correct("rt->in_out_of_memory = false;" "rt->malloc_state.malloc_limit = limit;
        rt->in_out_of_memory = false;")
# The length of a typed array that follows a resizable buffer is that of the time when it was made: memory that the buffer
# has given back would be read and written.
dcp_correct("*pbyte_length = ta->length;" "*pbyte_length = (size_t)p->u.array.count << typed_array_size_log2(p->class_id);")
# Some allocations fail without an error, and what was thrown is then no value at all.
dcp_correct(" exception:
    if (needs_backtrace(rt->current_exception)" " exception:
    if (JS_IsUninitialized(rt->current_exception)) JS_ThrowOutOfMemory(ctx);
    if (needs_backtrace(rt->current_exception)")
# A literal becomes an entry of the table of names, which takes long for one of megabytes and brings nothing.
dcp_correct("JS_VALUE_GET_TAG(val) == JS_TAG_STRING && as_atom" "JS_VALUE_GET_TAG(val) == JS_TAG_STRING && as_atom
        && JS_VALUE_GET_STRING(val)->len <= 1024")
# indexOf compares at each place with a function call; Pyodide's files are decoded with one indexOf a character.
dcp_correct("if (len >= v_len && inc * (stop - start) >= 0) {" "if (!lastIndexOf) {
        if (start <= stop) ret = string_indexof(p, p1, start);
    } else if (len >= v_len && inc * (stop - start) >= 0) {")
dcp_correct("for (i = from; i < len; i++) {
                if (str8(p)[i] == (uint8_t)c)
                    return i;
            }" "const uint8_t *found = memchr(str8(p) + from, c, len - from);
            return found == NULL ? -1 : found - str8(p);")
# `object[key] = value` converts the key last (ECMAScript 13.15.2 with PutValue), which the store itself does. QuickJS-NG
# converts it before and after the value as well, with twelve instructions that make each store into an array three times as long.
dcp_correct("            emit_op(s, OP_swap); // obj key -> key obj
            emit_op(s, OP_dup);
            emit_op(s, OP_is_undefined_or_null);
            label_next = emit_goto(s, OP_if_true, -1);
            emit_op(s, OP_swap);
            emit_op(s, OP_to_propkey);
            emit_op(s, OP_swap);
            emit_label(s, label_next);
            emit_op(s, OP_swap);
" "")
dcp_correct("            emit_op(s, OP_swap); // obj key val -> obj val key
            emit_op(s, OP_to_propkey);
            emit_op(s, OP_swap);
" "")
dcp_correct("    slow_path:
        atom = JS_ValueToAtom(ctx, prop);
        JS_FreeValue(ctx, prop);" "    slow_path:
        if (JS_IsObject(prop) && (JS_IsNull(this_obj) || JS_IsUndefined(this_obj))) {
            JS_FreeValue(ctx, prop);
            JS_FreeValue(ctx, val);
            JS_ThrowTypeError(ctx, \"cannot set a property of %s\", JS_IsNull(this_obj) ? \"null\" : \"undefined\");
            return -1;
        }
        atom = JS_ValueToAtom(ctx, prop);
        JS_FreeValue(ctx, prop);")
# `undefined` is looked up in the global object each time, which cannot have another value there (ECMAScript 19.1.4).
dcp_correct("    case OP_scope_get_var:
    case OP_scope_put_var:
        dbuf_putc(bc, OP_get_var_undef +" "    case OP_scope_get_var:
    case OP_scope_put_var:
        if (var_name == JS_ATOM_undefined && op != OP_scope_put_var) {
            dbuf_putc(bc, OP_undefined);
            break;
        }
        dbuf_putc(bc, OP_get_var_undef +")
# Literals take the way of Object.defineProperty() for each property (objects.c).
dcp_correct("ret = JS_DefinePropertyValue(ctx, sp[-2], atom, sp[-1],
                                             JS_PROP_C_W_E | JS_PROP_THROW);" "int dcp_define_field(JSContext *, JSValueConst, JSAtom, JSValue);
                ret = JS_IsObject(sp[-2]) ? dcp_define_field(ctx, sp[-2], atom, sp[-1])
                    : JS_DefinePropertyValue(ctx, sp[-2], atom, sp[-1], JS_PROP_C_W_E | JS_PROP_THROW);")
# V8's stacks begin with the error's name and message and are the error's own, and programs that report errors rely on
# both (errors.c).
dcp_correct("uint8_t is_uncatchable_error : 1;" "uint8_t is_uncatchable_error : 1;
    uint8_t dcp_is_stack_unnamed : 1;")
dcp_correct("p->is_uncatchable_error = 0;" "p->is_uncatchable_error = 0;
    p->dcp_is_stack_unnamed = 0;")
dcp_correct("stack = JS_NewStringLen(ctx, (char *)dbuf.buf, dbuf.size);" "{
            JSValue dcp_make_stack(JSContext *, JSValueConst, bool, const DynBuf *);
            stack = dcp_make_stack(ctx, error_obj, has_filter_func, &dbuf);
        }")
dcp_correct("p->u.object_data = stack;" "p->u.object_data = stack;
        p->dcp_is_stack_unnamed = !has_prepare;
        void dcp_define_stack(JSContext *, JSValueConst);
        dcp_define_stack(ctx, error_obj);")
dcp_correct("JS_BACKTRACE_FLAG_FILTER_FUNC);
    return JS_UNDEFINED;" "JS_BACKTRACE_FLAG_FILTER_FUNC);
    return JS_IsUncatchableError(ctx->rt->current_exception) ? JS_EXCEPTION : JS_UNDEFINED;")
dcp_correct("return JS_UNDEFINED;
    return js_dup(p->u.object_data);" "return JS_UNDEFINED;
    JSValue dcp_read_stack(JSContext *, JSValueConst);
    return dcp_read_stack(ctx, this_val);")
dcp_correct("    if (!JS_IsString(value))
        return JS_ThrowTypeError(ctx, \"Error.prototype.stack setter" "    bool dcp_write_stack(JSContext *, JSValueConst, JSValueConst);
    if (dcp_write_stack(ctx, this_val, value))
        return JS_UNDEFINED;
    if (!JS_IsString(value))
        return JS_ThrowTypeError(ctx, \"Error.prototype.stack setter")
include("${CMAKE_CURRENT_LIST_DIR}/QuickJsSpeed.cmake")
# Strings as WebAssembly sees them, and scripts as bytes, need what quickjs.h does not offer.
string(APPEND corrected "\n#include \"engine/quickjs/strings.c\"\n#include \"engine/quickjs/scripts.c\"\n#include \"engine/quickjs/memory.c\"\n"
  "#include \"engine/quickjs/objects.c\"\n#include \"engine/quickjs/errors.c\"\n#include \"engine/quickjs/short_strings.c\"\n")
set(corrected_file "${CMAKE_CURRENT_BINARY_DIR}/generated/quickjs.c")
file(CONFIGURE OUTPUT "${corrected_file}" CONTENT "@corrected@" @ONLY NEWLINE_STYLE UNIX)

add_library(quickjs STATIC
  "${corrected_file}" "${quickjs_dir}/dtoa.c" "${quickjs_dir}/libregexp.c" "${quickjs_dir}/libunicode.c")
set_target_properties(quickjs PROPERTIES C_EXTENSIONS ON C_VISIBILITY_PRESET hidden)
target_compile_definitions(quickjs PRIVATE _GNU_SOURCE)
target_compile_options(quickjs PRIVATE -w)
target_include_directories(quickjs PRIVATE "${quickjs_dir}")
set(quickjs_own "${CMAKE_CURRENT_SOURCE_DIR}/native/engine/quickjs")
set(quickjs_included "${quickjs_own}/strings.c" "${quickjs_own}/strings.h" "${quickjs_own}/scripts.c" "${quickjs_own}/scripts.h"
  "${quickjs_own}/memory.c" "${quickjs_own}/memory.h" "${quickjs_own}/objects.c"
  "${quickjs_own}/errors.c" "${quickjs_own}/short_strings.c")
set(math_functions "${CMAKE_CURRENT_SOURCE_DIR}/native/engine/quickjs/math_functions.h")
set_source_files_properties("${corrected_file}" PROPERTIES
  COMPILE_OPTIONS "-I${CMAKE_CURRENT_SOURCE_DIR}/native;-include;${math_functions}" 
  OBJECT_DEPENDS "${math_functions};${quickjs_included}")
target_include_directories(quickjs SYSTEM INTERFACE "${quickjs_dir}")
target_link_libraries(quickjs PUBLIC m Threads::Threads PRIVATE dcp_fdlibm)

# What compiled scripts depend on: bytes that another build has written are not read.
file(GLOB quickjs_sources CONFIGURE_DEPENDS "${quickjs_dir}/*.c" "${quickjs_dir}/*.h")
set(fingerprint "${CMAKE_SYSTEM_PROCESSOR} ${corrected}")
foreach(file IN LISTS quickjs_sources quickjs_included)
  file(SHA256 "${file}" hash)
  string(APPEND fingerprint " ${hash}")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
endforeach()
string(SHA256 DCP_SCRIPT_FORMAT "${fingerprint}")
