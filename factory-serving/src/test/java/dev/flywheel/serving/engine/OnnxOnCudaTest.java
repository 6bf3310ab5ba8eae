package dev.flywheel.serving.engine;

import dev.flywheel.serving.OnCuda;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;

/** ONNX Runtime's sessions on a GPU. */
@Tag("gpu")
@ExtendWith(OnCuda.class)
class OnnxOnCudaTest {

    @Nested
    class Engines extends OnnxEngineTest {}

    @Nested
    class Lanes extends OnnxLaneTest {}

    @Nested
    class Sessions extends OnnxSessionsTest {}

    @Nested
    class Kinds extends OnnxKindsTest {}

    @Nested
    class Categories extends OnnxCategoriesTest {}

    @Nested
    class Files extends ExternalDataTest {}
}
