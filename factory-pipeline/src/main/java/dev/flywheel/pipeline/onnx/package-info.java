/** Building ONNX graphs. */
@NullMarked
package dev.flywheel.pipeline.onnx;

import org.jspecify.annotations.NullMarked;
