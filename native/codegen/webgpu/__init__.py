"""Generates the WebGPU client (JavaScript) and decoder (C++) from webgpu.idl and webgpu.h; see webgpu_codegen.py.

One concern a module: idl and header parse, policy says which operations travel and how, client and server write.
"""
