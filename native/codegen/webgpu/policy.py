"""What the generator cannot read off webgpu.idl and webgpu.h: which operations travel, and how.

To widen the API (textures, rendering), move operations from "unsupported" into GENERATED; the rest follows.
"""

from __future__ import annotations

WGPU_NATIVE_MAJOR = 29

# Conversion, command and decoder are generated; the method needs nothing else.
GENERATED = [
    "GPUDevice.createBindGroupLayout",
    "GPUDevice.createPipelineLayout",
    "GPUDevice.createBindGroup",
    "GPUDevice.createComputePipeline",
    "GPUDevice.createCommandEncoder",
    "GPUDevice.createQuerySet",
    "GPUComputePipeline.getBindGroupLayout",
    "GPUCommandEncoder.beginComputePass",
    "GPUCommandEncoder.clearBuffer",
    "GPUCommandEncoder.resolveQuerySet",
    "GPUCommandEncoder.finish",
    "GPUCommandEncoder.pushDebugGroup",
    "GPUCommandEncoder.popDebugGroup",
    "GPUCommandEncoder.insertDebugMarker",
    "GPUComputePassEncoder.setPipeline",
    "GPUComputePassEncoder.dispatchWorkgroups",
    "GPUComputePassEncoder.dispatchWorkgroupsIndirect",
    "GPUComputePassEncoder.pushDebugGroup",
    "GPUComputePassEncoder.popDebugGroup",
    "GPUComputePassEncoder.insertDebugMarker",
    "GPUComputePassEncoder.end",
]

# Command and decoder are generated; the method calls a hook of runtime/js/webgpu*.js, which sends the command.
# True: the hook converts the arguments itself (overloads).
COMMAND_WITH_HOOK = {
    "GPUDevice.createBuffer": False,
    "GPUCommandEncoder.copyBufferToBuffer": True,
    "GPUComputePassEncoder.setBindGroup": True,
}

# The method calls a hook; what it sends is one of HAND_COMMANDS, or nothing.
HOOKED = {
    "GPU.requestAdapter": False,
    "GPU.getPreferredCanvasFormat": False,
    "GPUAdapter.requestDevice": False,
    "GPUDevice.destroy": False,
    "GPUDevice.createShaderModule": False,
    "GPUDevice.createComputePipelineAsync": False,
    "GPUDevice.pushErrorScope": False,
    "GPUDevice.popErrorScope": False,
    "GPUBuffer.mapAsync": False,
    "GPUBuffer.getMappedRange": False,
    "GPUBuffer.unmap": False,
    "GPUBuffer.destroy": False,
    "GPUComputePassEncoder.setImmediates": False,
    "GPUQueue.submit": False,
    "GPUQueue.onSubmittedWorkDone": False,
    "GPUQueue.writeBuffer": False,
    "GPUQuerySet.destroy": False,
    "GPUShaderModule.getCompilationInfo": False,
}

# Commands that both sides write by hand (native/gpu/commands_*.cpp, runtime/js/webgpu*.js).
HAND_COMMANDS = [
    "requestAdapter",
    "requestDevice",
    "destroyDevice",
    "createShaderModule",
    "createComputePipelineAsync",
    "getCompilationInfo",
    "pushErrorScope",
    "popErrorScope",
    "injectError",
    "createInvalid",
    "release",
    "mapBuffer",
    "unmapBuffer",
    "destroyBuffer",
    "destroyQuerySet",
    "writeBuffer",
    "submit",
    "onSubmittedWorkDone",
    "setImmediates",
]

# Replies of the GPU host (see native/gpu/wire.hpp).
REPLIES = [
    "adapter",
    "device",
    "mapped",
    "workDone",
    "errorScope",
    "uncapturedError",
    "deviceLost",
    "pipeline",
    "compilationInfo",
]

# wgpu.h functions that hand-written code calls, beside those of the generated decoder.
HAND_FUNCTIONS = [
    "wgpuCreateInstance",
    "wgpuGetVersion",
    "wgpuSetLogLevel",
    "wgpuInstanceEnumerateAdapters",
    "wgpuAdapterGetInfo",
    "wgpuAdapterInfoFreeMembers",
    "wgpuAdapterGetLimits",
    "wgpuAdapterHasFeature",
    "wgpuAdapterRequestDevice",
    "wgpuDeviceGetLimits",
    "wgpuDeviceGetQueue",
    "wgpuDeviceDestroy",
    "wgpuDevicePoll",
    "wgpuDeviceCreateShaderModule",
    "wgpuBufferMapAsync",
    "wgpuBufferGetMappedRange",
    "wgpuBufferGetConstMappedRange",
    "wgpuBufferUnmap",
    "wgpuBufferDestroy",
    "wgpuQueueWriteBuffer",
    "wgpuQueueSubmitForIndex",
    "wgpuComputePassEncoderSetImmediates",
]

# Interfaces whose methods work only until one of them, the closer, has been called.
CLOSERS = {"GPUCommandEncoder": "finish", "GPUComputePassEncoder": "end"}

# Fields that the wrapper keeps of the descriptor that made it.
RESULT_FIELDS = {"GPUQuerySet": ["type", "count"]}

# Arguments of super() and the state of the object, for interfaces with a constructor.
CONSTRUCTORS = {
    "GPUValidationError": ("secret, { __proto__: null, message }", None),
    "GPUOutOfMemoryError": ("secret, { __proto__: null, message }", None),
    "GPUInternalError": ("secret, { __proto__: null, message }", None),
    "GPUPipelineError": ('message, "GPUPipelineError"', "{ __proto__: null, reason: options.reason }"),
    "GPUUncapturedErrorEvent": (
        "type, gpuUncapturedErrorEventInitDict",
        "{ __proto__: null, error: init.error }",
    ),
}

# Where interfaces that webgpu.idl only names come from.
EXTERNAL_BASES = {
    "EventTarget": "runtime.events.EventTarget",
    "Event": "runtime.events.Event",
    "DOMException": "runtime.DOMException",
}

# Attributes with a setter or getter of runtime/js/webgpu*.js.
ATTRIBUTE_HOOKS = {"GPUDevice.onuncapturederror"}

# Unions of a sequence and a dictionary: how many items the sequence may have.
SEQUENCE_LENGTHS = {"GPUColor": (4, 4), "GPUOrigin2D": (0, 2), "GPUOrigin3D": (0, 3), "GPUExtent3D": (1, 3)}

# Unions that the client writes as a tag and a value, and a C++ function that reads them into the struct.
TAGGED_UNIONS = {"GPUBindingResource": "read_binding_resource"}

# Dictionaries whose C struct has another name.
STRUCTS = {"GPUProgrammableStage": "WGPUComputeState", "GPUComputePassTimestampWrites": "WGPUPassTimestampWrites"}

# Limits of the IDL that webgpu.h has not: which one answers for them.
LIMIT_ALIASES = {
    "maxStorageBuffersInVertexStage": "maxStorageBuffersPerShaderStage",
    "maxStorageBuffersInFragmentStage": "maxStorageBuffersPerShaderStage",
    "maxStorageTexturesInVertexStage": "maxStorageTexturesPerShaderStage",
    "maxStorageTexturesInFragmentStage": "maxStorageTexturesPerShaderStage",
}

# Calls that wgpu-native answers with a panic for some input: a C++ function that refuses it first.
GUARDS = {
    "GPUDevice.createBuffer",
    "GPUDevice.createBindGroupLayout",
    "GPUDevice.createPipelineLayout",
    "GPUDevice.createBindGroup",
    "GPUCommandEncoder.clearBuffer",
}
