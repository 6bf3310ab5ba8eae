/**
 * Evaluation metrics with confidence intervals, paired comparisons of two models on the same rows, and the curves that
 * show them.
 */
@NullMarked
package dev.flywheel.core.stat;

import org.jspecify.annotations.NullMarked;
