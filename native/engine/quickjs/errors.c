/* Compiled at the end of quickjs.c: stacks of errors as V8 has them. They begin with "Name: message". The message is that of
   the time when the error is made. An error gets its name, as a rule, after that, so that its stack takes the name when it is
   first read. And a stack is the error's own property: who copies own properties, as KVIN does, copies it. */

static const char* text_of_property(JSContext* context, JSValueConst object, JSAtom name) {
  JSProperty* property;
  JSShapeProperty* shape = find_own_property(&property, JS_VALUE_GET_OBJ(object), name);
  if (shape == NULL || (shape->flags & JS_PROP_TMASK) != JS_PROP_NORMAL || !JS_IsString(property->u.value)) return NULL;
  return JS_ToCString(context, property->u.value);
}

static void put_calls(DynBuf* stack, const DynBuf* calls) {
  if (calls->size == 0) return;
  dbuf_putc(stack, '\n');
  dbuf_put(stack, calls->buf, calls->size - 1); /* its last line ends as V8's does, without a newline */
}

/* "Name: message" of captureStackTrace, which takes any object. Getters may run, and one of them may end the sandbox. */
static void put_head(JSContext* context, DynBuf* stack, JSValueConst object) {
  JSValue head = js_error_toString(context, object, 0, NULL);
  const char* text = JS_IsException(head) ? NULL : JS_ToCString(context, head);
  dbuf_putstr(stack, text == NULL ? "<error>" : text);
  JS_FreeCString(context, text);
  JS_FreeValue(context, head);
}

/* ": message", before which the name will come. */
static void put_message(JSContext* context, DynBuf* stack, JSValueConst error) {
  const char* text = text_of_property(context, error, JS_ATOM_message);
  if (text != NULL && text[0] != '\0') {
    dbuf_putstr(stack, ": ");
    dbuf_putstr(stack, text);
  }
  JS_FreeCString(context, text);
}

/* From "    at CALL\n"... Nothing is thrown, but for what ends the sandbox. */
JSValue dcp_make_stack(JSContext* context, JSValueConst error, bool is_captured, const DynBuf* calls) {
  JSValue stack = JS_NULL, pending;
  DynBuf made;
  if (!is_captured && !can_store_error_stack(error)) return JS_NewStringLen(context, (const char*)calls->buf, calls->size);
  pending = JS_GetException(context);
  js_dbuf_init(context, &made);
  if (is_captured) {
    put_head(context, &made, error);
  } else {
    put_message(context, &made, error);
  }
  put_calls(&made, calls);
  if (!dbuf_error(&made)) stack = JS_NewStringLen(context, (const char*)made.buf, made.size);
  if (JS_IsException(stack)) stack = JS_NULL;
  dbuf_free(&made);
  if (JS_IsUncatchableError(context->rt->current_exception)) {
    JS_FreeValue(context, pending);
  } else {
    JS_Throw(context, pending);
  }
  return stack;
}

static JSValue name_of_error(JSContext* context, JSValueConst error) {
  JSValue name = JS_GetProperty(context, error, JS_ATOM_name);
  if (JS_IsUndefined(name)) return JS_AtomToString(context, JS_ATOM_Error);
  name = JS_ToStringFree(context, name);
  if (!JS_IsException(name)) return name;
  if (JS_IsUncatchableError(context->rt->current_exception)) return name;
  JS_FreeValue(context, JS_GetException(context));
  return js_new_string8(context, "<error>");
}

/* Error.prototype.stack of a true error. */
JSValue dcp_read_stack(JSContext* context, JSValueConst error) {
  JSObject* object = JS_VALUE_GET_OBJ(error);
  JSValue name, rest, stack;
  if (!object->dcp_is_stack_unnamed || !JS_IsString(object->u.object_data)) return js_dup(object->u.object_data);
  object->dcp_is_stack_unnamed = 0; /* whoever reads it from within a getter of the name gets the rest */
  name = name_of_error(context, error);
  if (JS_IsException(name)) return name;
  rest = js_dup(object->u.object_data);
  if (JS_IsEmptyString(name) && string_get(JS_VALUE_GET_STRING(rest), 0) == ':') {
    stack = js_sub_string(context, JS_VALUE_GET_STRING(rest), 2, JS_VALUE_GET_STRING(rest)->len);
    JS_FreeValue(context, name);
    JS_FreeValue(context, rest);
  } else {
    stack = JS_ConcatString(context, name, rest);
  }
  if (JS_IsException(stack)) return stack;
  set_value(context, &object->u.object_data, js_dup(stack));
  return stack;
}

static JSProperty* accessor_of_stack(JSObject* object) {
  JSProperty* property;
  JSShapeProperty* shape = find_own_property(&property, object, JS_ATOM_stack);
  return shape != NULL && (shape->flags & JS_PROP_TMASK) == JS_PROP_GETSET ? property : NULL;
}

static JSValue function_or_undefined(JSObject* function) {
  return function == NULL ? JS_UNDEFINED : JS_MKPTR(JS_TAG_OBJECT, function);
}

/* Gives an error the accessor of Error.prototype as its own. */
void dcp_define_stack(JSContext* context, JSValueConst error) {
  const int flags = JS_PROP_HAS_GET | JS_PROP_HAS_SET | JS_PROP_HAS_CONFIGURABLE | JS_PROP_CONFIGURABLE | JS_PROP_HAS_ENUMERABLE;
  JSProperty* accessor = accessor_of_stack(JS_VALUE_GET_OBJ(context->class_proto[JS_CLASS_ERROR]));
  JSValue pending;
  if (accessor == NULL || !JS_VALUE_GET_OBJ(error)->extensible) return;
  pending = JS_GetException(context);
  JS_DefineProperty(context, error, JS_ATOM_stack, JS_UNDEFINED, function_or_undefined(accessor->u.getset.getter),
                    function_or_undefined(accessor->u.getset.setter), flags);
  JS_Throw(context, pending);
}

/* Whether the object is a true error with that accessor, which keeps what is assigned. */
bool dcp_write_stack(JSContext* context, JSValueConst error, JSValueConst value) {
  JSObject* object = JS_IsError(error) ? JS_VALUE_GET_OBJ(error) : NULL;
  if (object == NULL || accessor_of_stack(object) == NULL) return false;
  set_value(context, &object->u.object_data, js_dup(value));
  object->dcp_is_stack_unnamed = 0;
  return true;
}
