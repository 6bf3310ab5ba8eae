/**
 * Whether a binary model treats groups of people alike: rates by group with their intervals, the distance between
 * groups, and indices of inequality.
 */
@NullMarked
package dev.flywheel.core.stat.fairness;

import org.jspecify.annotations.NullMarked;
