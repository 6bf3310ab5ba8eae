/** Devices and the SPI that finds them. */
@NullMarked
package dev.flywheel.core.device;

import org.jspecify.annotations.NullMarked;
