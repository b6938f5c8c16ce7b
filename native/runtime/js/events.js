// DOM events without a tree: Event, EventTarget, CustomEvent, ErrorEvent, PromiseRejectionEvent, and event handlers.
(function (runtime) {
  "use strict";

  const { ops, webidl } = runtime;
  const {
    ArrayPrototypePush, ArrayPrototypeSlice, ArrayPrototypeSome, ArrayPrototypeSplice, ObjectDefineProperty,
    ObjectGetOwnPropertyDescriptor, SafeArrayIterator, SafeMap, SafeWeakMap, TypeError, apply,
  } = runtime.primordials;
  const { converters, configureInterface, createDictionaryConverter, defineConstants, requiredArguments } = webidl;
  const { DOMException } = runtime;

  /** Reports an exception that no caller can catch; it never throws. */
  const reportException = (error) => ops.reportError(error);

  // --- Event ---

  const flag = (key) => ({ key, converter: converters.boolean, defaultValue: false });
  const eventInitMembers = [flag("bubbles"), flag("cancelable"), flag("composed")];
  const eventInit = createDictionaryConverter("EventInit", eventInitMembers);
  /** A getter function as class syntax would make it. */
  const getterOf = (name, read) =>
    ObjectGetOwnPropertyDescriptor({ get [name]() { return read(this); } }, name).get;
  const isTrustedDescriptor = { __proto__: null, get: undefined, enumerable: true, configurable: false };

  class Event {
    #state;
    constructor(type, init = {}) {
      requiredArguments(arguments.length, 1, "Event");
      type = converters.DOMString(type, "Event: type");
      const { bubbles, cancelable, composed } = eventInit(init, "Event: init");
      this.#state = {
        __proto__: null, type, bubbles, cancelable, composed, target: null, currentTarget: null, phase: 0, stop: false,
        stopNow: false, canceled: false, passive: false, dispatching: false, trusted: false,
        timeStamp: ops.now() - runtime.monotonicOrigin,
      };
      ObjectDefineProperty(this, "isTrusted", isTrustedDescriptor);
    }
    static state(event) {
      return event.#state;
    }
    get type() {
      return this.#state.type;
    }
    get target() {
      return this.#state.target;
    }
    get srcElement() {
      return this.#state.target;
    }
    get currentTarget() {
      return this.#state.currentTarget;
    }
    composedPath() {
      const { currentTarget } = this.#state;
      return currentTarget === null ? [] : [currentTarget];
    }
    get eventPhase() {
      return this.#state.phase;
    }
    stopPropagation() {
      this.#state.stop = true;
    }
    get cancelBubble() {
      return this.#state.stop;
    }
    set cancelBubble(value) {
      if (value) this.#state.stop = true;
    }
    stopImmediatePropagation() {
      this.#state.stop = true;
      this.#state.stopNow = true;
    }
    get bubbles() {
      return this.#state.bubbles;
    }
    get cancelable() {
      return this.#state.cancelable;
    }
    get returnValue() {
      return !this.#state.canceled;
    }
    set returnValue(value) {
      if (!value) this.preventDefault();
    }
    preventDefault() {
      const state = this.#state;
      if (state.cancelable && !state.passive) state.canceled = true;
    }
    get defaultPrevented() {
      return this.#state.canceled;
    }
    get composed() {
      return this.#state.composed;
    }
    get timeStamp() {
      return this.#state.timeStamp;
    }
    initEvent(type, bubbles = false, cancelable = false) {
      requiredArguments(arguments.length, 1, "Event.initEvent");
      const state = this.#state;
      type = converters.DOMString(type, "Event.initEvent: type");
      if (state.dispatching) return;
      state.type = type;
      state.bubbles = !!bubbles;
      state.cancelable = !!cancelable;
      state.stop = state.stopNow = state.canceled = state.trusted = false;
      state.target = null;
    }
  }
  const eventState = Event.state;
  delete Event.state;
  isTrustedDescriptor.get = getterOf("isTrusted", (event) => eventState(event).trusted);
  configureInterface(Event);
  defineConstants(Event, { __proto__: null, NONE: 0, CAPTURING_PHASE: 1, AT_TARGET: 2, BUBBLING_PHASE: 3 });

  /** A subclass of Event whose attributes are the members of its init dictionary. */
  function defineEventClass(name, members) {
    const convert = createDictionaryConverter(`${name}Init`, members);
    const Class = {
      [name]: class extends Event {
        #init;
        constructor(type, init = {}) {
          requiredArguments(arguments.length, 1, name);
          super(type, init);
          this.#init = convert(init, `${name}: init`);
        }
        static init(event) {
          return event.#init;
        }
      },
    }[name];
    const read = Class.init;
    delete Class.init;
    for (const { key } of new SafeArrayIterator(members)) {
      const get = getterOf(key, (event) => read(event)[key]);
      ObjectDefineProperty(Class.prototype, key, { __proto__: null, get, configurable: true });
    }
    const required = ArrayPrototypeSome(members, (member) => member.required) ? 2 : 1;
    ObjectDefineProperty(Class, "length", { __proto__: null, value: required, configurable: true });
    return configureInterface(Class);
  }
  const text = (key) => ({ key, converter: converters.DOMString, defaultValue: "" });
  const number = (key) => ({ key, converter: converters["unsigned long"], defaultValue: 0 });
  const any = (key, defaultValue) => ({ key, converter: converters.any, defaultValue });

  const CustomEvent = defineEventClass("CustomEvent", [any("detail", null)]);
  const ErrorEvent = defineEventClass("ErrorEvent", [
    number("colno"), any("error"), text("filename"), number("lineno"), text("message"),
  ]);
  const PromiseRejectionEvent = defineEventClass("PromiseRejectionEvent", [
    { key: "promise", converter: converters.object, required: true }, any("reason"),
  ]);

  // --- EventTarget ---

  const listenerOptions = (options) => {
    if (webidl.isObject(options)) {
      const capture = !!options.capture;
      const once = !!options.once;
      const passive = !!options.passive;
      const { signal } = options;
      if (signal !== undefined && !runtime.isAbortSignal(signal)) throw new TypeError("signal is not an AbortSignal");
      return { __proto__: null, capture, once, passive, signal };
    }
    return { __proto__: null, capture: !!options, once: false, passive: false, signal: undefined };
  };

  class EventTarget {
    #listeners = new SafeMap();
    static listeners(target) {
      return target.#listeners;
    }
    static is(value) {
      return webidl.isObject(value) && #listeners in value;
    }
    addEventListener(type, callback, options = undefined) {
      requiredArguments(arguments.length, 2, "EventTarget.addEventListener");
      const listeners = this.#listeners;
      type = converters.DOMString(type, "EventTarget.addEventListener: type");
      const { capture, once, passive, signal } = listenerOptions(options);
      if (callback === null || callback === undefined) return;
      if (!webidl.isObject(callback)) throw new TypeError("EventTarget.addEventListener: the listener is no object");
      if (signal !== undefined && signal.aborted) return;
      const added = addListener(listeners, newListener(type, callback, { capture, once, passive }));
      if (added !== undefined && signal !== undefined) {
        runtime.addAbortAlgorithm(signal, () => removeListener(listeners, added));
      }
    }
    removeEventListener(type, callback, options = undefined) {
      requiredArguments(arguments.length, 2, "EventTarget.removeEventListener");
      const listeners = this.#listeners;
      type = converters.DOMString(type, "EventTarget.removeEventListener: type");
      const capture = webidl.isObject(options) ? !!options.capture : !!options;
      const list = listeners.get(type);
      if (list === undefined) return;
      for (let i = 0; i < list.length; i++) {
        if (list[i].callback === callback && list[i].capture === capture) return removeListener(listeners, list[i]);
      }
    }
    dispatchEvent(event) {
      requiredArguments(arguments.length, 1, "EventTarget.dispatchEvent");
      const listeners = this.#listeners;
      if (!webidl.isObject(event) || !isEvent(event)) throw new TypeError("EventTarget.dispatchEvent: not an Event");
      const state = eventState(event);
      if (state.dispatching) throw new DOMException("The event is being dispatched", "InvalidStateError");
      state.trusted = false;
      return dispatch(this, listeners, event, state);
    }
  }
  const newListener = (type, callback, { capture, once, passive }) => ({
    __proto__: null, type, callback, capture, once, passive, removed: false, context: ops.asyncContext(),
  });
  const { is: isEventTarget, listeners: listenersOf } = EventTarget;
  delete EventTarget.is;
  delete EventTarget.listeners;
  configureInterface(EventTarget);

  function isEvent(value) {
    try {
      eventState(value);
      return true;
    } catch {
      return false;
    }
  }

  function addListener(listeners, listener) {
    let list = listeners.get(listener.type);
    if (list === undefined) listeners.set(listener.type, (list = []));
    for (let i = 0; i < list.length; i++) {
      if (list[i].callback === listener.callback && list[i].capture === listener.capture) return undefined;
    }
    ArrayPrototypePush(list, listener);
    return listener;
  }

  function removeListener(listeners, listener) {
    listener.removed = true;
    const list = listeners.get(listener.type);
    for (let i = 0; list !== undefined && i < list.length; i++) {
      if (list[i] === listener) return void ArrayPrototypeSplice(list, i, 1);
    }
  }

  function dispatch(target, listeners, event, state) {
    state.dispatching = true;
    state.target = state.currentTarget = target;
    state.phase = 2;
    const list = listeners.get(state.type);
    if (list !== undefined && !state.stop) {
      // Capturing listeners run first at the target, too.
      const snapshot = ArrayPrototypeSlice(list);
      runListeners(listeners, snapshot, true, event, state);
      if (!state.stop) runListeners(listeners, snapshot, false, event, state);
    }
    state.dispatching = state.stop = state.stopNow = false;
    state.currentTarget = null;
    state.phase = 0;
    return !state.canceled;
  }

  function runListeners(listeners, snapshot, capture, event, state) {
    for (let i = 0; i < snapshot.length && !state.stopNow; i++) {
      const listener = snapshot[i];
      if (listener.removed || listener.capture !== capture) continue;
      if (listener.once) removeListener(listeners, listener);
      state.passive = listener.passive;
      runtime.callAs(listener.context, () => {
        try {
          callListener(listener.callback, event, state);
        } catch (error) {
          reportException(error);
        }
      });
      state.passive = false;
    }
  }

  function callListener(callback, event, state) {
    if (typeof callback === "function") return void apply(callback, state.currentTarget, [event]);
    const { handleEvent } = callback;
    if (typeof handleEvent !== "function") throw new TypeError("The event listener has no handleEvent method");
    apply(handleEvent, callback, [event]);
  }

  /** Dispatches an event that the runtime itself made; the result is false when it was canceled. */
  const fire = (target, event) => {
    const state = eventState(event);
    state.trusted = true;
    return dispatch(target, listenersOf(target), event, state);
  };

  /** Defines the event handler attribute `on<type>` on the prototype of a subclass of EventTarget. */
  function defineEventHandler(prototype, type) {
    const handlers = new SafeWeakMap();
    const name = `on${type}`;
    const stop = (target, handler) => {
      handlers.delete(target);
      removeListener(listenersOf(target), handler.listener);
    };
    const start = (target, value) => {
      const handler = { __proto__: null, value, listener: undefined };
      const callback = (event) => {
        if (typeof handler.value !== "function") return;
        if (apply(handler.value, eventState(event).currentTarget, [event]) === false) event.preventDefault();
      };
      handler.listener = newListener(type, callback, { capture: false, once: false, passive: false });
      addListener(listenersOf(target), handler.listener);
      handlers.set(target, handler);
    };
    const accessors = {
      get [name]() {
        listenersOf(this);
        return handlers.get(this)?.value ?? null;
      },
      set [name](value) {
        listenersOf(this);
        const handler = handlers.get(this);
        if (!webidl.isObject(value)) {
          if (handler !== undefined) stop(this, handler);
        } else if (handler !== undefined) {
          handler.value = value;
          handler.listener.context = ops.asyncContext();
        } else {
          start(this, value);
        }
      },
    };
    ObjectDefineProperty(prototype, name, ObjectGetOwnPropertyDescriptor(accessors, name));
  }

  runtime.reportException = reportException;
  runtime.events = {
    __proto__: null, Event, EventTarget, CustomEvent, ErrorEvent, PromiseRejectionEvent, defineEventHandler,
    defineEventClass, fire, isEvent, isEventTarget,
  };
  runtime.defineGlobals(["job", "shell"], {
    __proto__: null, Event, EventTarget, CustomEvent, ErrorEvent, PromiseRejectionEvent,
    reportError: function reportError(error) {
      requiredArguments(arguments.length, 1, "reportError");
      reportException(error);
    },
  });
});
