/** Trainers of candidate models. */
@NullMarked
package dev.flywheel.pipeline.train;

import org.jspecify.annotations.NullMarked;
