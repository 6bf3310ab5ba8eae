package dev.flywheel.serving;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;

/** Endpoints on a GPU. */
@Tag("gpu")
@ExtendWith(OnCuda.class)
class OnCudaTest {

    @Nested
    class Tensors extends NamedTensorsTest {}

    @Nested
    class Conformance extends OnnxConformanceTest {}
}
