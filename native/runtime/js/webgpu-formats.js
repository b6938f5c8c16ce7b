// Texture formats that need a feature of the device (WebGPU, section 26.1).
(function (runtime) {
  "use strict";

  const { gpu, primordials } = runtime;
  const { StringPrototypeStartsWith, TypeError } = primordials;

  const featureOfFamily = [
    ["bc", "texture-compression-bc"], ["etc2-", "texture-compression-etc2"], ["eac-", "texture-compression-etc2"],
    ["astc-", "texture-compression-astc"],
  ];
  const featureOfFormat = {
    __proto__: null, "depth32float-stencil8": "depth32float-stencil8", r16unorm: "texture-formats-tier1",
    r16snorm: "texture-formats-tier1", rg16unorm: "texture-formats-tier1", rg16snorm: "texture-formats-tier1",
    rgba16unorm: "texture-formats-tier1", rgba16snorm: "texture-formats-tier1",
  };

  function featureOf(format) {
    for (let i = 0; i < featureOfFamily.length; i++) {
      if (StringPrototypeStartsWith(format, featureOfFamily[i][0])) return featureOfFamily[i][1];
    }
    return featureOfFormat[format];
  }

  /** Whether some rows of a texture can be copied without the others, and a row is a row of texels. */
  gpu.hasRows = (format) => {
    if (StringPrototypeStartsWith(format, "depth") || StringPrototypeStartsWith(format, "stencil")) return false;
    const feature = featureOf(format);
    return feature === undefined || !StringPrototypeStartsWith(feature, "texture-compression-");
  };

  /** Throws TypeError where the device was not asked for the feature that the format needs. */
  gpu.checkFormat = (format, device) => {
    const feature = featureOf(format);
    if (feature === undefined || device.enabled.has(feature)) return;
    throw new TypeError(`the texture format "${format}" needs the feature "${feature}": ask requestDevice() for it`);
  };
});
