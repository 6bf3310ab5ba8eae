/** From a trained block to an ONNX graph. */
@NullMarked
package dev.flywheel.pipeline.export;

import org.jspecify.annotations.NullMarked;
