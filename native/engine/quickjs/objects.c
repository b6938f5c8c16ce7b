// Compiled at the end of quickjs.c, whose structs it needs.

/* The next property of an object literal. Where an object has been made by the same literal before, there is a shape with
   that property, and since shapes have no property twice, nothing needs to be searched. Takes `value`; -1: an exception. */
int dcp_define_field(JSContext* context, JSValueConst object, JSAtom name, JSValue value) {
  JSObject* p = JS_VALUE_GET_OBJ(object);
  JSShape *shape = p->shape, *next = NULL;
  if (p->class_id == JS_CLASS_OBJECT && p->extensible && !p->is_prototype && shape->is_hashed) {
    next = find_hashed_shape_prop(context->rt, shape, name, JS_PROP_C_W_E);
  }
  if (next == NULL) return JS_DefinePropertyValue(context, object, name, value, JS_PROP_C_W_E | JS_PROP_THROW);
  if (next->prop_size != shape->prop_size) {
    JSProperty* properties = js_realloc(context, p->prop, sizeof(JSProperty) * next->prop_size);
    if (properties == NULL) {
      JS_FreeValue(context, value);
      return -1;
    }
    p->prop = properties;
  }
  p->shape = js_dup_shape(next);
  js_free_shape(context->rt, shape);
  p->prop[next->prop_count - 1].u.value = value;
  return 1;
}
