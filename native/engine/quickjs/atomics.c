// Compiled at the end of quickjs.c, whose structs it needs.
#include <time.h>

#include "engine/quickjs/atomics.h"

/* One that waits without blocking. A sandbox has one agent: nobody else can notify it. */
typedef struct {
  struct list_head link; /* in the order of arrival */
  JSContext* context;
  void* place;
  JSValue buffer; /* keeps the place */
  JSValue resolve;
  double due; /* milliseconds of CLOCK_MONOTONIC, or infinite */
} AsyncWaiter;

static struct list_head async_waiters = LIST_HEAD_INIT(async_waiters);

static double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void free_waiter(AsyncWaiter* waiter) {
  JSContext* context = waiter->context;
  list_del(&waiter->link);
  JS_FreeValue(context, waiter->buffer);
  JS_FreeValue(context, waiter->resolve);
  js_free(context, waiter);
}

static void settle_waiter(AsyncWaiter* waiter, JSAtom outcome) {
  JSContext* context = waiter->context;
  JSValue text = JS_AtomToString(context, outcome);
  JSValue result = JS_Call(context, waiter->resolve, JS_UNDEFINED, 1, vc(&text));
  if (JS_IsException(result)) JS_FreeValue(context, JS_GetException(context));
  JS_FreeValue(context, result);
  JS_FreeValue(context, text);
  free_waiter(waiter);
}

/* { async, value } of Atomics.waitAsync. Takes `value`. */
static JSValue wait_result(JSContext* context, bool async, JSValue value) {
  JSValue result = JS_IsException(value) ? JS_EXCEPTION : JS_NewObject(context);
  if (JS_IsException(result)) {
    JS_FreeValue(context, value);
    return JS_EXCEPTION;
  }
  if (JS_DefinePropertyValueStr(context, result, "async", js_bool(async), JS_PROP_C_W_E) < 0) {
    JS_FreeValue(context, value);
  } else if (JS_DefinePropertyValueStr(context, result, "value", value, JS_PROP_C_W_E) >= 0) {
    return result;
  }
  JS_FreeValue(context, result);
  return JS_EXCEPTION;
}

/* A promise that a notification of `place` settles, or the time that is `timeout` ms from now. */
static JSValue add_waiter(JSContext* context, JSObject* array, void* place, double timeout) {
  JSValue functions[2], promise = JS_NewPromiseCapability(context, functions);
  if (JS_IsException(promise)) return promise;
  JS_FreeValue(context, functions[1]);
  AsyncWaiter* waiter = js_malloc(context, sizeof *waiter);
  if (waiter == NULL) {
    JS_FreeValue(context, functions[0]);
    JS_FreeValue(context, promise);
    return JS_EXCEPTION;
  }
  waiter->context = context;
  waiter->place = place;
  waiter->buffer = js_dup(JS_MKPTR(JS_TAG_OBJECT, array->u.typed_array->buffer));
  waiter->resolve = functions[0];
  waiter->due = now_ms() + timeout;
  list_add_tail(&waiter->link, &async_waiters);
  return promise;
}

/* Atomics.waitAsync (ECMA-262, 25.4.16). */
JSValue dcp_atomics_wait_async(JSContext* context, JSValueConst self, int argc, JSValueConst* argv) {
  uint64_t index;
  int64_t expected, found;
  int32_t narrow;
  double timeout;
  JSObject* array = js_atomics_get_buf(context, argv[0], argv[1], NULL, &index, 2);
  if (array == NULL) return JS_EXCEPTION;
  const bool is_wide = array->class_id == JS_CLASS_BIG_INT64_ARRAY;
  if (is_wide) {
    if (JS_ToBigInt64(context, &expected, argv[2])) return JS_EXCEPTION;
  } else {
    if (JS_ToInt32(context, &narrow, argv[2])) return JS_EXCEPTION;
    expected = narrow;
  }
  if (JS_ToFloat64(context, &timeout, argv[3])) return JS_EXCEPTION;
  if (isnan(timeout)) timeout = INFINITY;
  void* place = array->u.array.u.uint8_ptr + (index << (is_wide ? 3 : 2));
  found = is_wide ? *(int64_t*)place : *(int32_t*)place;
  if (found != expected) return wait_result(context, false, JS_AtomToString(context, JS_ATOM_not_equal));
  if (timeout <= 0) return wait_result(context, false, JS_AtomToString(context, JS_ATOM_timed_out));
  return wait_result(context, true, add_waiter(context, array, place, timeout));
}

/* Settles the promises of at most `count` of those that wait at `place`; how many those were. */
int dcp_notify_async(JSContext* context, void* place, int count) {
  int notified = 0;
  struct list_head *at, *next;
  list_for_each_safe(at, next, &async_waiters) {
    AsyncWaiter* waiter = list_entry(at, AsyncWaiter, link);
    if (notified == count) break;
    if (waiter->place != place || waiter->context->rt != context->rt) continue;
    settle_waiter(waiter, JS_ATOM_ok);
    notified++;
  }
  return notified;
}

double dcp_next_timeout(JSRuntime* runtime) {
  double first = INFINITY;
  struct list_head* at;
  list_for_each(at, &async_waiters) {
    const AsyncWaiter* waiter = list_entry(at, AsyncWaiter, link);
    if (waiter->context->rt == runtime && waiter->due < first) first = waiter->due;
  }
  return first;
}

void dcp_run_timeouts(JSRuntime* runtime) {
  struct list_head *at, *next;
  if (list_empty(&async_waiters)) return;
  const double now = now_ms();
  list_for_each_safe(at, next, &async_waiters) {
    AsyncWaiter* waiter = list_entry(at, AsyncWaiter, link);
    if (waiter->context->rt == runtime && waiter->due <= now) settle_waiter(waiter, JS_ATOM_timed_out);
  }
}

void dcp_forget_waiters(JSRuntime* runtime) {
  struct list_head *at, *next;
  list_for_each_safe(at, next, &async_waiters) {
    AsyncWaiter* waiter = list_entry(at, AsyncWaiter, link);
    if (waiter->context->rt == runtime) free_waiter(waiter);
  }
}
