package rpc

// Sound is what spares a lookup the validator.
var Sound = sound
