/**
 * Trainers of candidate models, on DJL's PyTorch engine.
 *
 * <p>{@link dev.flywheel.pipeline.train.Trainers} names them. A linear model is minimized over all rows at once by
 * L-BFGS, a network by Adam over minibatches; both keep their parameters in one flat tensor and run on the calling
 * thread. {@code PyTorch} is the one place that touches DJL first: it switches off DJL's usage reports
 * ({@code OPT_OUT_TRACKING}) and downloads ({@code ai.djl.offline}) unless the host has set them.
 *
 * <p>Where a training runs, the system property {@value dev.flywheel.core.device.DeviceRequest#PROPERTY} says, for all
 * of them the same. By default that is a GPU if there is one, and the training is large enough: from about four million
 * multiplications a step and 17 billion in all. What is random is drawn on the CPU, so that a GPU learns the same from
 * the same seed but for rounding; not so the dropout of a user's own block. On a GPU of compute capability 8.0 and
 * later, hidden layers of networks from a million multiplications a row multiply in bfloat16; the system property
 * {@code flywheel.precision}, which is {@code auto}, {@code float32} or {@code bfloat16}, says otherwise. The model
 * that comes of it is in float32 everywhere, and its card says what it was trained on.
 */
@NullMarked
package dev.flywheel.pipeline.train;

import org.jspecify.annotations.NullMarked;
