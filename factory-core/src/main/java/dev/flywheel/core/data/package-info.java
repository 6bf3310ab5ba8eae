/** Rows and columns: schemas, Java records as columns, and immutable Arrow datasets on disk. */
@NullMarked
package dev.flywheel.core.data;

import org.jspecify.annotations.NullMarked;
