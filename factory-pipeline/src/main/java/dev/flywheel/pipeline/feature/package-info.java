/** Fitted feature transforms that emit themselves as ONNX nodes. */
@NullMarked
package dev.flywheel.pipeline.feature;

import org.jspecify.annotations.NullMarked;
