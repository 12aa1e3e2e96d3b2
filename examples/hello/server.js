// Every exported function is a method. Lever passes the last parameter because of its name, callback: call it with an
// error, or with null and the result.
exports.sayHello = (name, callback) => {
  if (typeof name !== "string") {
    callback(new Error('Cannot say hello: the name is not a string. Try "world".'));
    return;
  }
  callback(null, `Hello, ${name}!`);
};
