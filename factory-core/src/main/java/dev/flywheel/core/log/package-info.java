/** The append-only, CRC-framed segment log. */
@NullMarked
package dev.flywheel.core.log;

import org.jspecify.annotations.NullMarked;
