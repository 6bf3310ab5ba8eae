/**
 * Trainers of candidate models, on DJL's PyTorch engine.
 *
 * <p>{@link dev.flywheel.pipeline.train.Trainers} names them. A linear model is minimized over all rows at once by
 * L-BFGS, a network by Adam over minibatches; both keep their parameters in one flat tensor and run on the calling
 * thread. {@code PyTorch} is the one place that touches DJL first: it switches off DJL's usage reports
 * ({@code OPT_OUT_TRACKING}) and downloads ({@code ai.djl.offline}) unless the host has set them.
 */
@NullMarked
package dev.flywheel.pipeline.train;

import org.jspecify.annotations.NullMarked;
