# What programs that go through strings unit by unit do most, and the engine does by a detour. The results are the same.

# A method of a string: its prototype is known.
dcp_correct("                } else {
                get_field2_slow_path:" "                } else if (tag_is_string(JS_VALUE_GET_TAG(obj)) && atom != JS_ATOM_length && !__JS_AtomIsTaggedInt(atom)) {
                    prs = find_own_property(&pr, JS_VALUE_GET_OBJ(ctx->class_proto[JS_CLASS_STRING]), atom);
                    if (!prs || (prs->flags & JS_PROP_TMASK))
                        goto get_field2_slow_path;
                    val = js_dup(pr->u.value);
                } else {
                get_field2_slow_path:")
dcp_correct("                } else {
                get_length_slow_path:" "                } else if (JS_VALUE_GET_TAG(obj) == JS_TAG_STRING) {
                    val = js_int32(JS_VALUE_GET_STRING(obj)->len);
                } else if (JS_VALUE_GET_TAG(obj) == JS_TAG_STRING_ROPE) {
                    val = js_int32(JS_VALUE_GET_STRING_ROPE(obj)->len);
                } else {
                get_length_slow_path:")
# A method in C needs no frame of the interpreter.
dcp_correct("ret_val = JS_CallInternal(ctx, call_argv[-1], call_argv[-2],
                                          JS_UNDEFINED, call_argc,
                                          vc(call_argv), 0);" "if (JS_VALUE_GET_TAG(call_argv[-1]) == JS_TAG_OBJECT &&
                    JS_VALUE_GET_OBJ(call_argv[-1])->class_id == JS_CLASS_C_FUNCTION) {
                    ret_val = js_poll_interrupts(ctx) ? JS_EXCEPTION :
                        js_call_c_function(ctx, call_argv[-1], call_argv[-2], call_argc, vc(call_argv), 0);
                } else {
                    ret_val = JS_CallInternal(ctx, call_argv[-1], call_argv[-2],
                                              JS_UNDEFINED, call_argc,
                                              vc(call_argv), 0);
                }")
dcp_correct("static bool needs_backtrace(JSValue exc)" "static inline void dcp_free_value(JSContext *ctx, JSValue v)
{
    if (JS_VALUE_HAS_REF_COUNT(v) && --JS_REF_COUNT(JS_VALUE_GET_PTR(v)) <= 0)
        js_free_value_rt(ctx->rt, v);
}
#define JS_FreeValue dcp_free_value
bool dcp_append(JSContext *, JSValueConst, JSValueConst, const uint8_t *, JSValue *);

static bool needs_backtrace(JSValue exc)")
dcp_correct("JSValue JS_Call(JSContext *ctx, JSValueConst func_obj, JSValueConst this_obj,
" "#undef JS_FreeValue
JSValue JS_Call(JSContext *ctx, JSValueConst func_obj, JSValueConst this_obj,
")
# One unit of a string.
dcp_correct("static JSValue js_string_charCodeAt(JSContext *ctx, JSValueConst this_val,
                                     int argc, JSValueConst *argv)
{" "static JSValue js_string_charCodeAt(JSContext *ctx, JSValueConst this_val,
                                     int argc, JSValueConst *argv)
{
    const int unit = dcp_unit(this_val, argv[0]);
    if (unit >= 0)
        return js_int32(unit);
")
dcp_correct("static JSValue js_string_charAt(JSContext *ctx, JSValueConst this_val,
                                int argc, JSValueConst *argv)
{" "static JSValue js_string_charAt(JSContext *ctx, JSValueConst this_val,
                                int argc, JSValueConst *argv)
{
    const int unit = dcp_unit(this_val, argv[0]);
    if (unit >= 0)
        return js_new_string_char(ctx, unit);
")
dcp_correct("static JSValue js_new_string_char(JSContext *ctx, uint16_t c)
{" "/* A string, or a rope that has been made flat; otherwise NULL. */
static inline JSString *dcp_flat(JSValueConst string)
{
    if (JS_VALUE_GET_TAG(string) == JS_TAG_STRING)
        return JS_VALUE_GET_STRING(string);
    if (JS_VALUE_GET_TAG(string) != JS_TAG_STRING_ROPE)
        return NULL;
    JSStringRope *rope = JS_VALUE_GET_STRING_ROPE(string);
    if (JS_VALUE_GET_TAG(rope->right) != JS_TAG_STRING || JS_VALUE_GET_STRING(rope->right)->len != 0 ||
        JS_VALUE_GET_TAG(rope->left) != JS_TAG_STRING)
        return NULL;
    return JS_VALUE_GET_STRING(rope->left);
}

/* The unit of a string, or -1 for the long way. */
static inline int dcp_unit(JSValueConst string, JSValueConst index)
{
    JSString *p = dcp_flat(string);
    if (!p || JS_VALUE_GET_TAG(index) != JS_TAG_INT || (uint32_t)JS_VALUE_GET_INT(index) >= p->len)
        return -1;
    return string_get(p, JS_VALUE_GET_INT(index));
}

/* Strings of one unit below 256 are made once. */
static JSValue js_new_string_char(JSContext *ctx, uint16_t c)
{
    JSString **made = &ctx->rt->dcp_units[c & 0xFF];
    if (c < 0x100 && *made)
        return js_dup(JS_MKPTR(JS_TAG_STRING, *made));
    if (c < 0x100) {
        *made = js_alloc_string(ctx, 1, 0);
        if (!*made)
            return JS_EXCEPTION;
        str8(*made)[0] = c;
        str8(*made)[1] = 0;
        return js_dup(JS_MKPTR(JS_TAG_STRING, *made));
    }
")
dcp_correct("void *dcp_block;" "void *dcp_block;
    struct JSString *dcp_units[256];")
dcp_correct("    /* free the atoms */" "    for (int i = 0; i < 256; i++) {
        if (rt->dcp_units[i]) js_free_string(rt, rt->dcp_units[i]);
    }
    /* free the atoms */")
# indexOf with a string and nothing else.
dcp_correct("    str = JS_ToStringCheckObject(ctx, this_val);
    if (JS_IsException(str))
        return str;
    v = JS_ToString(ctx, argv[0]);" "    if (!lastIndexOf && argc == 1 && (p = dcp_flat(this_val)) && (p1 = dcp_flat(argv[0])))
        return js_int32(p1->len > p->len ? -1 : string_indexof(p, p1, 0));
    str = JS_ToStringCheckObject(ctx, this_val);
    if (JS_IsException(str))
        return str;
    v = JS_ToString(ctx, argv[0]);")
# What is added to a long string again and again is copied once (short_strings.c).
dcp_correct("                add_slow_case:
                    sf->cur_pc = pc;" "                add_slow_case:
                    sf->cur_pc = pc;
                    if (JS_VALUE_GET_TAG(op1) == JS_TAG_STRING_ROPE && dcp_append(ctx, op1, op2, pc, var_buf)) {
                        JS_FreeValue(ctx, op2);
                        sp--;
                        BREAK;
                    }")
