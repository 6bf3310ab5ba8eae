/**
 * What is watched while a model serves: detectors that say when the mean of a stream changed, the quality to expect as
 * long as the labels are still on their way, and how far probabilities are from what came true. All of it in constant
 * or logarithmic memory.
 */
@NullMarked
package dev.flywheel.core.stat.stream;

import org.jspecify.annotations.NullMarked;
