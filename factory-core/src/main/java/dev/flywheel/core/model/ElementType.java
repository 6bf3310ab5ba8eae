package dev.flywheel.core.model;

/** The element types of tensors, named as in the ONNX standard. */
public enum ElementType {
    FLOAT,
    DOUBLE,
    FLOAT16,
    BFLOAT16,
    INT8,
    UINT8,
    INT16,
    UINT16,
    INT32,
    UINT32,
    INT64,
    UINT64,
    BOOL,
    STRING
}
