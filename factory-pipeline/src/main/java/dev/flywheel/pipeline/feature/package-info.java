/**
 * Features as a definition ({@link dev.flywheel.pipeline.feature.Features}), learned from training rows
 * ({@link dev.flywheel.pipeline.feature.FittedFeatures}), and run over a dataset
 * ({@link dev.flywheel.pipeline.feature.FeatureMatrix}).
 *
 * <p>A fitted feature is ONNX nodes and nothing else. They make the training matrix and stand at the front of the
 * exported model, so what a model is trained on and what it is asked cannot differ. Columns of one kind share their
 * nodes, because each node costs a call.
 */
@NullMarked
package dev.flywheel.pipeline.feature;

import org.jspecify.annotations.NullMarked;
