// What a kernel needs of TensorFlow's C interface (tensorflow/c/kernels.h, ops.h), with errors as exceptions.
#pragma once
#include <stdexcept>
#include <string>
#include <vector>

#include "simd.h"
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_datatype.h"
#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"

namespace mtmt {

class Status {
 public:
  Status() : status_(TF_NewStatus()) {}
  ~Status() { TF_DeleteStatus(status_); }
  Status(const Status&) = delete;
  operator TF_Status*() { return status_; }
  void check() {
    if (TF_GetCode(status_) != TF_OK) throw std::runtime_error(TF_Message(status_));
  }

 private:
  TF_Status* status_;
};

/** Owns one reference to a tensor. */
class Tensor {
 public:
  explicit Tensor(TF_Tensor* tensor) : tensor_(tensor), data_(TF_TensorData(tensor)) {}
  ~Tensor() { TF_DeleteTensor(tensor_); }
  Tensor(Tensor&& other) : tensor_(other.tensor_), data_(other.data_) { other.tensor_ = nullptr; }
  Tensor(const Tensor&) = delete;
  template <typename T>
  T* data() const {
    return static_cast<T*>(data_);
  }
  int64_t size() const { return TF_TensorElementCount(tensor_); }
  int64_t dim(int i) const { return TF_Dim(tensor_, i); }
  TF_DataType type() const { return TF_TensorType(tensor_); }
  std::vector<int64_t> shape() const {
    std::vector<int64_t> dims;
    for (int i = 0; i < TF_NumDims(tensor_); i++) dims.push_back(TF_Dim(tensor_, i));
    return dims;
  }
  TF_Tensor* get() const { return tensor_; }

 private:
  TF_Tensor* tensor_;
  /** Loops ask for it in every round; TensorFlow's answer costs a call each time. */
  void* data_;
};

class Context {
 public:
  explicit Context(TF_OpKernelContext* context) : context_(context) {}
  Tensor input(int index) {
    TF_Tensor* tensor = nullptr;
    Status status;
    TF_GetInput(context_, index, &tensor, status);
    status.check();
    return Tensor(tensor);
  }
  Tensor output(int index, TF_DataType type, const std::vector<int64_t>& shape) {
    size_t bytes = TF_DataTypeSize(type);
    for (int64_t dim : shape) bytes *= dim;
    Status status;
    TF_Tensor* tensor = TF_AllocateOutput(context_, index, type, shape.data(), int(shape.size()), bytes, status);
    status.check();
    return Tensor(tensor);
  }
  /** The same memory as an output of another number. */
  void set_output(int index, const Tensor& tensor) {
    Status status;
    TF_SetOutput(context_, index, tensor.get(), status);
    status.check();
  }

 private:
  TF_OpKernelContext* context_;
};

class Attributes {
 public:
  explicit Attributes(TF_OpKernelConstruction* construction) : construction_(construction) {}
  float real(const char* name) {
    float value = 0;
    Status status;
    TF_OpKernelConstruction_GetAttrFloat(construction_, name, &value, status);
    status.check();
    return value;
  }
  int32_t integer(const char* name) {
    int32_t value = 0;
    Status status;
    TF_OpKernelConstruction_GetAttrInt32(construction_, name, &value, status);
    status.check();
    return value;
  }
  bool flag(const char* name) {
    TF_Bool value = 0;
    Status status;
    TF_OpKernelConstruction_GetAttrBool(construction_, name, &value, status);
    status.check();
    return value != 0;
  }

 private:
  TF_OpKernelConstruction* construction_;
};

/** Says it to TensorFlow, which ends the run with this message. */
template <typename C, void (*Fail)(C*, TF_Status*)>
void fail(C* context, const std::exception& error) {
  Status status;
  TF_SetStatus(status, TF_INVALID_ARGUMENT, error.what());
  Fail(context, status);
}

/** Makes an op known, with inputs, outputs and attributes as TensorFlow writes them. */
struct OpSpec {
  const char* name;
  std::vector<const char*> inputs;
  std::vector<const char*> outputs;
  std::vector<const char*> attributes;
  bool is_stateful = false;
};

inline void register_op(const OpSpec& spec) {
  TF_OpDefinitionBuilder* builder = TF_NewOpDefinitionBuilder(spec.name);
  for (const char* input : spec.inputs) TF_OpDefinitionBuilderAddInput(builder, input);
  for (const char* output : spec.outputs) TF_OpDefinitionBuilderAddOutput(builder, output);
  for (const char* attribute : spec.attributes) TF_OpDefinitionBuilderAddAttr(builder, attribute);
  TF_OpDefinitionBuilderSetIsStateful(builder, spec.is_stateful);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(builder, &TF_ShapeInferenceContextSetUnknownShape);
  Status status;
  TF_RegisterOpDefinition(builder, status);
  status.check();
}

/** @tparam Kernel built from Attributes, with `void compute(Context&)` */
template <typename Kernel>
void register_kernel(const char* op, const std::vector<std::pair<const char*, TF_DataType>>& types) {
  auto create = [](TF_OpKernelConstruction* construction) -> void* {
    try {
      Attributes attributes(construction);
      return new Kernel(attributes);
    } catch (const std::exception& error) {
      fail<TF_OpKernelConstruction, TF_OpKernelConstruction_Failure>(construction, error);
      return nullptr;
    }
  };
  auto compute = [](void* kernel, TF_OpKernelContext* context) {
    try {
      Context own(context);
      static_cast<Kernel*>(kernel)->compute(own);
    } catch (const std::exception& error) {
      fail<TF_OpKernelContext, TF_OpKernelContext_Failure>(context, error);
    }
  };
  auto remove = [](void* kernel) { delete static_cast<Kernel*>(kernel); };
  TF_KernelBuilder* builder = TF_NewKernelBuilder(op, "CPU", create, compute, remove);
  Status status;
  std::string name = op;
  for (const auto& [attribute, type] : types) {
    TF_KernelBuilder_TypeConstraint(builder, attribute, type, status);
    status.check();
    name += "_" + std::to_string(type);
  }
  TF_RegisterKernelBuilder(name.c_str(), builder, status);
  status.check();
}

template <typename T>
constexpr TF_DataType type_of = TF_FLOAT;
template <>
inline constexpr TF_DataType type_of<bfloat16> = TF_BFLOAT16;

/** Gradients of vectors are summed in so many parts, whatever the number of cores: the same numbers on every machine of a kind. */
constexpr int64_t kParts = 32;

/** What kernels that read whole vectors of a row ask of it. */
inline void expect_columns(int64_t columns) {
  if (columns % kLanes != 0) throw std::runtime_error("columns are a multiple of 16, not " + std::to_string(columns));
}

void register_layer_norm();
void register_gelu();
void register_attention();
/** After `register_product`, where it found what multiplies. */
void register_block();
void register_dropout();
void register_adamw();

}  // namespace mtmt
