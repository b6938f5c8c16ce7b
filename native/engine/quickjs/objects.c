// Compiled at the end of quickjs.c, whose structs it needs.
#include "engine/quickjs/objects.h"

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

static enum dcp_object_kind kind_of_class(int class_id) {
  switch (class_id) {
    case JS_CLASS_OBJECT:
    case JS_CLASS_ARGUMENTS:
    case JS_CLASS_MAPPED_ARGUMENTS:
    case JS_CLASS_MODULE_NS:
    case JS_CLASS_ITERATOR:
      return DCP_PLAIN;
    case JS_CLASS_ARRAY:
      return DCP_ARRAY;
    case JS_CLASS_ERROR:
      return DCP_ERROR;
    case JS_CLASS_DATE:
      return DCP_DATE;
    case JS_CLASS_MAP:
      return DCP_MAP;
    case JS_CLASS_SET:
      return DCP_SET;
    case JS_CLASS_NUMBER:
    case JS_CLASS_STRING:
    case JS_CLASS_BOOLEAN:
    case JS_CLASS_BIG_INT:
      return DCP_BOXED;
    case JS_CLASS_PROXY:
      return DCP_PROXY;
    default:
      return class_id >= JS_CLASS_ARRAY_BUFFER && class_id <= JS_CLASS_DATAVIEW ? DCP_BUFFER : DCP_OPAQUE;
  }
}

enum dcp_object_kind dcp_object_kind(JSValueConst object) {
  JSObject* p = JS_VALUE_GET_OBJ(object);
  enum dcp_object_kind kind = kind_of_class(p->class_id);
  if (kind != DCP_PROXY) return kind;
  while (p->class_id == JS_CLASS_PROXY && !p->u.proxy_data->is_revoked) p = JS_VALUE_GET_OBJ(p->u.proxy_data->target);
  kind = kind_of_class(p->class_id);
  return kind == DCP_PLAIN || kind == DCP_ARRAY ? kind : DCP_PROXY;
}

JSValue dcp_unboxed(JSValueConst object) { return js_dup(JS_VALUE_GET_OBJ(object)->u.object_data); }
