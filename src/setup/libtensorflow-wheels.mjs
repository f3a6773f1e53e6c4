// @ts-check
// Which wheels libtensorflow comes from, pinned by hash. To move to another version: change the pins together, from
// `pip download --no-deps` of each, and see that the addon builds and `npm test` passes.

/** @typedef {import('./wheels.mjs').Wheel} Wheel */

export const TENSORFLOW_VERSION = '2.21.0';

/** @type {Wheel & { libraryBytes: number }} */
export const CPU_WHEEL = {
  name: 'tensorflow-cpu',
  version: TENSORFLOW_VERSION,
  sha256: 'dcc8afd32930e42d5296b6ee19078b773706830af4ea97fbe503b9f5e0f820cb',
  sizeBytes: 274_000_871,
  libraryBytes: 788_086_608,
};

/** @type {Wheel & { libraryBytes: number }} */
export const GPU_WHEEL = {
  name: 'tensorflow',
  version: TENSORFLOW_VERSION,
  sha256: 'b3b95643c4e70eb925839938fb35cbe142f317ec84af6844ee61513713bb13c0',
  sizeBytes: 572_611_111,
  libraryBytes: 1_096_372_272,
};

/** What the wheel's `and-cuda` extra asks for, at the newest CUDA 12 versions that its bounds allow. */
/** @type {readonly Wheel[]} */
export const CUDA_WHEELS = [
  ['nvidia-cublas-cu12', '12.9.3.13', 581_217_458, 'd7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72'],
  ['nvidia-cuda-cupti-cu12', '12.9.79', 10_814_997, '096bcf334f13e1984ba36685ad4c1d6347db214de03dbb6eebb237b41d9d934f'],
  ['nvidia-cuda-nvcc-cu12', '12.9.86', 40_546_229, '5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0'],
  ['nvidia-cuda-nvrtc-cu12', '12.9.86', 89_568_129, '210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4'],
  ['nvidia-cuda-runtime-cu12', '12.9.79', 3_493_179, '25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3'],
  ['nvidia-cudnn-cu12', '9.28.0.42', 716_538_495, '9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375'],
  ['nvidia-cufft-cu12', '11.4.1.4', 200_877_592, 'c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28'],
  ['nvidia-curand-cu12', '10.3.10.19', 68_295_626, '49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e'],
  ['nvidia-cusolver-cu12', '11.7.5.82', 338_117_415, '15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88'],
  ['nvidia-cusparse-cu12', '12.5.10.65', 366_465_088, '73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78'],
  ['nvidia-nccl-cu12', '2.32.3', 351_526_311, 'bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c'],
  ['nvidia-nvjitlink-cu12', '12.9.86', 39_748_338, 'e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9'],
].map(([name, version, sizeBytes, sha256]) => ({
  name: String(name),
  version: String(version),
  sizeBytes: Number(sizeBytes),
  sha256: String(sha256),
}));
