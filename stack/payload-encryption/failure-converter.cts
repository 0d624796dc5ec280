/**
 * Moves the message and the stack trace of failures into a payload, where the codec encrypts them. The Temporal SDK loads
 * this file by its path, with `require`, which is why it is CommonJS.
 */
import common = require('@temporalio/common');

export = { failureConverter: new common.DefaultFailureConverter({ encodeCommonAttributes: true }) };
