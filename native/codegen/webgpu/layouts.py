"""Commands and replies whose code is written by hand: what travels, one line each.

A command is what `webgpu-*.js` sends and `native/gpu/commands_*.cpp` carries out, a reply is what the host answers. The
generator writes both ends. A field is `name: type`, in the order of the wire:

    self K          the object that the command is called on, of interface K
    new K           id of the object of interface K that the command makes
    bool u32 u64    numbers
    string          text in UTF-8
    words           a Uint32Array, copied into the ring
    bytes           a Uint8Array, copied into the ring; its length is a multiple of 4
    limits          a number for each of GPUSupportedLimits
    kind            an interface of webgpu.h
    heap[size]      bytes in the heap, as many as the field `size` before says
    id K            an object of interface K, of which the host gets the id
    flag N          exactly one constant of the namespace N
    GPU...          an interface, enum or dictionary of webgpu.idl
    Name            an enum of ENUMS, or a record of RECORDS
    T?              an enum, or null
    [T]             a sequence
"""

from __future__ import annotations

COMMANDS = {
    "requestAdapter": "new GPUAdapter, request: u32, power: GPUPowerPreference?, fallback: bool",
    "requestDevice": "self GPUAdapter, new GPUDevice, queue: u32, request: u32, label: string, "
    "features: [GPUFeatureName], limits: limits",
    "destroyDevice": "self GPUDevice",
    "createShaderModule": "self GPUDevice, new GPUShaderModule, label: string, code: string",
    "createComputePipelineAsync": "self GPUDevice, new GPUComputePipeline, request: u32, "
    "descriptor: GPUComputePipelineDescriptor",
    "createRenderPipelineAsync": "self GPUDevice, new GPURenderPipeline, request: u32, "
    "descriptor: GPURenderPipelineDescriptor",
    "getCompilationInfo": "self GPUShaderModule, request: u32",
    "pushErrorScope": "self GPUDevice, filter: GPUErrorFilter",
    "popErrorScope": "self GPUDevice, request: u32",
    # An error that the sandbox has found.
    "injectError": "self GPUDevice, filter: GPUErrorFilter, message: string",
    # An object whose creation failed in the sandbox.
    "createInvalid": "self GPUDevice, id: u32, kind: kind",
    # Objects that the sandbox has forgotten; they may have been used up before.
    "release": "ids: words",
    "mapBuffer": "self GPUBuffer, request: u32, mode: flag GPUMapMode, offset: u64, size: u64, block: heap[size]",
    # `written`: the mapped range takes the bytes of the block first.
    "unmapBuffer": "self GPUBuffer, written: bool, block: u64",
    "destroyBuffer": "self GPUBuffer",
    "destroyTexture": "self GPUTexture",
    "destroyQuerySet": "self GPUQuerySet",
    "writeBuffer": "self GPUQueue, buffer: GPUBuffer, offset: u64, size: u64, data: heap[size]",
    # One write comes in parts, from 0 on; where one is refused, those behind it are left out.
    "writeTexture": "self GPUQueue, destination: GPUTexelCopyTextureInfo, size: u64, data: heap[size], "
    "layout: GPUTexelCopyBufferLayout, extent: GPUExtent3DDict, part: u32",
    # The command buffers are used up.
    "submit": "self GPUQueue, commandBuffers: [id GPUCommandBuffer]",
    "onSubmittedWorkDone": "self GPUQueue, request: u32",
    "GPUComputePassEncoder_setImmediates": "self GPUComputePassEncoder, offset: u32, data: bytes",
    "GPURenderPassEncoder_setImmediates": "self GPURenderPassEncoder, offset: u32, data: bytes",
    "GPURenderBundleEncoder_setImmediates": "self GPURenderBundleEncoder, offset: u32, data: bytes",
    # Answered behind the errors of all commands before.
    "ping": "request: u32",
}

# A reply that begins with `request` answers a command; the others are events.
REPLIES = {
    "adapter": "request: u32, found: bool, vendor: string, architecture: string, device: string, description: string, "
    "subgroupMinSize: u32, subgroupMaxSize: u32, isFallbackAdapter: bool, features: [GPUFeatureName], limits: limits",
    "device": "request: u32, made: bool, message: string",
    "mapped": "request: u32, mapped: bool, message: string",
    "workDone": "request: u32",
    "errorScope": "request: u32, status: ScopeStatus, filter: GPUErrorFilter, message: string",
    "uncapturedError": "device: u32, filter: GPUErrorFilter, message: string",
    "deviceLost": "device: u32, message: string",
    "pipeline": "request: u32, status: PipelineStatus, message: string",
    "compilationInfo": "request: u32, messages: [CompilationMessage]",
}

# Enums that only these lines know.
ENUMS = {
    "ScopeStatus": ["nothing", "caught", "empty"],  # empty: there is no scope
    "PipelineStatus": ["made", "validation", "internal"],
}

RECORDS = {
    # A line of GPUCompilationInfo; positions count from 1, 0 where unknown.
    "CompilationMessage": "message: string, lineNum: u64, linePos: u64, offset: u64, length: u64",
}

# The header word of a message: its type above, its words, the header among them, below this bit (native/gpu/wire.hpp).
TYPE_SHIFT = 20


def opcode(command: str) -> int:
    """The number of one of COMMANDS. 0 is padding; those of generated commands follow."""
    return 1 + list(COMMANDS).index(command)


def reply_type(reply: str) -> int:
    return 1 + list(REPLIES).index(reply)


def header(message_type: int, words: int) -> int:
    """The first word of a message of so many words."""
    return message_type << TYPE_SHIFT | words
