/**
 * Has the data changed: profiles of columns in constant memory, two-sample tests, effect sizes, and the comparison of a
 * window with the profile that a model was trained on.
 */
@NullMarked
package dev.flywheel.core.stat.drift;

import org.jspecify.annotations.NullMarked;
