"""What the generator cannot read off webgpu.idl and webgpu.h.

Every operation of an interface that webgpu.h has is generated: conversion, command, decoder and call. Only what needs
more is named here; an operation whose types the generator does not know stops the build.
"""

from __future__ import annotations

WGPU_NATIVE_MAJOR = 29

# Command and decoder are generated; the method calls a hook of runtime/js/webgpu*.js, which sends the command.
# True: the hook converts the arguments itself (overloads).
COMMAND_WITH_HOOK = {
    "GPUDevice.createBuffer": False,
    "GPUDevice.createTexture": False,
    "GPUDevice.createQuerySet": False,
    "GPUCommandEncoder.copyBufferToBuffer": True,
    "GPUComputePassEncoder.setBindGroup": True,
    "GPURenderPassEncoder.setBindGroup": True,
    "GPURenderBundleEncoder.setBindGroup": True,
}

# The method calls a hook; what it sends is one of layouts.COMMANDS, or nothing.
HOOKED = {
    "GPU.requestAdapter": False,
    "GPU.getPreferredCanvasFormat": False,
    "GPUAdapter.requestDevice": False,
    "GPUDevice.destroy": False,
    "GPUDevice.createShaderModule": False,
    "GPUDevice.createComputePipelineAsync": False,
    "GPUDevice.createRenderPipelineAsync": False,
    "GPUDevice.pushErrorScope": False,
    "GPUDevice.popErrorScope": False,
    "GPUBuffer.mapAsync": False,
    "GPUBuffer.getMappedRange": False,
    "GPUBuffer.unmap": False,
    "GPUBuffer.destroy": False,
    "GPUTexture.destroy": False,
    "GPUComputePassEncoder.setImmediates": False,
    "GPURenderPassEncoder.setImmediates": False,
    "GPURenderBundleEncoder.setImmediates": False,
    "GPUQueue.submit": False,
    "GPUQueue.onSubmittedWorkDone": False,
    "GPUQueue.writeBuffer": False,
    "GPUQueue.writeTexture": False,
    "GPUQuerySet.destroy": False,
    "GPUShaderModule.getCompilationInfo": False,
}

# Operations on images, videos and canvases, of which a sandbox has none: their arguments are converted, which throws a
# TypeError, and nobody has an object to call the others on.
WITHOUT_A_SCREEN = [
    "GPUDevice.importExternalTexture",
    "GPUQueue.copyExternalImageToTexture",
    "GPUCanvasContext.configure",
    "GPUCanvasContext.unconfigure",
    "GPUCanvasContext.getConfiguration",
    "GPUCanvasContext.getCurrentTexture",
]

# Enums that webgpu.idl takes from other specifications.
EXTERNAL_ENUMS = {"PredefinedColorSpace": ["srgb", "srgb-linear", "display-p3", "display-p3-linear"]}  # HTML

# wgpu.h functions that hand-written code calls, beside those of the generated decoder.
HAND_FUNCTIONS = [
    "wgpuCreateInstance",
    "wgpuGetVersion",
    "wgpuSetLogCallback",
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
    "wgpuBufferGetSize",
    "wgpuTextureDestroy",
    "wgpuTextureGetDepthOrArrayLayers",
    "wgpuTextureGetDimension",
    "wgpuTextureGetHeight",
    "wgpuTextureGetMipLevelCount",
    "wgpuTextureGetWidth",
    "wgpuQueueWriteBuffer",
    "wgpuQueueWriteTexture",
    "wgpuQueueSubmitForIndex",
    "wgpuComputePassEncoderSetImmediates",
    "wgpuRenderPassEncoderSetImmediates",
    "wgpuRenderBundleEncoderSetImmediates",
    "wgpuCommandEncoderWriteTimestamp",
    "wgpuQueueGetTimestampPeriod",
]

# Interfaces whose methods work only until one of them, the closer, has been called.
CLOSERS = {
    "GPUCommandEncoder": "finish",
    "GPUComputePassEncoder": "end",
    "GPURenderPassEncoder": "end",
    "GPURenderBundleEncoder": "finish",
}

# Recorders (recorders.py): methods of which the first overload alone is recorded, and members of a descriptor that an
# object keeps, in their order, where it is not only the label.
RECORDED_OVERLOADS = {"setBindGroup"}
KEPT = {"GPUDevice.createBuffer": ["label", "size", "usage"]}

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

# Dictionaries that are read as part of such a union.
READ_BY_HAND = {"GPUBufferBinding"}

# Dictionaries whose C struct has another name.
STRUCTS = {
    "GPUProgrammableStage": "WGPUComputeState",
    "GPUComputePassTimestampWrites": "WGPUPassTimestampWrites",
    "GPURenderPassTimestampWrites": "WGPUPassTimestampWrites",
}

# Members that the host reads and does not pass on, and why.
IGNORED_MEMBERS = {
    "GPUTextureDescriptor.textureBindingViewDimension": "of meaning only to devices without core-features-and-limits",
    "GPURenderPassDescriptor.maxDrawCount": "wgpu-native has no such limit",
}

# Members that a C++ function reads into the struct.
MEMBER_READERS = {"GPUTextureViewDescriptor.swizzle": "read_swizzle"}

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
    "GPUDevice.createTexture",
    "GPUDevice.createBindGroupLayout",
    "GPUDevice.createPipelineLayout",
    "GPUDevice.createBindGroup",
    "GPUDevice.createComputePipeline",
    "GPUDevice.createRenderPipeline",
    "GPUDevice.createRenderBundleEncoder",
    "GPUTexture.createView",
    "GPUDevice.createQuerySet",
    "GPUCommandEncoder.beginRenderPass",
    "GPUCommandEncoder.clearBuffer",
    "GPUCommandEncoder.copyBufferToBuffer",
    "GPUCommandEncoder.copyBufferToTexture",
    "GPUCommandEncoder.copyTextureToBuffer",
    "GPUCommandEncoder.resolveQuerySet",
    "GPURenderPassEncoder.executeBundles",
    "GPURenderPassEncoder.setIndexBuffer",
    "GPURenderPassEncoder.setPipeline",
    "GPURenderPassEncoder.setVertexBuffer",
    "GPURenderBundleEncoder.setIndexBuffer",
    "GPURenderBundleEncoder.setPipeline",
    "GPURenderBundleEncoder.setVertexBuffer",
    "GPURenderBundleEncoder.finish",
}

# Calls behind which more is done: a C++ function that gets the handle of the object they have made.
COMPLETED = {"GPUCommandEncoder.beginRenderPass"}

# Encoders whose commands are tried on another one first (native/gpu/rehearsal.hpp).
REHEARSED = {"GPURenderBundleEncoder": "GPURenderPassEncoder"}
