/**
 * The statistics of experiments in live traffic: effects between two arms with their intervals, also those that may be
 * looked at any time, variance reduction, and the check that arms got the shares they should. Everything is computed
 * from sums of constant size that merge across threads and restarts.
 */
@NullMarked
package dev.flywheel.core.stat.experiment;

import org.jspecify.annotations.NullMarked;
