/** What work takes in joules, what that costs, and when it is cheapest. */
@NullMarked
package dev.flywheel.core.energy;

import org.jspecify.annotations.NullMarked;
