/** Asks how many there are: node ask.js apple [target] */
import { connect } from "./client.js";

const [sku = "apple", target = "127.0.0.1:50061"] = process.argv.slice(2);
const client = connect(target);
client.getStock({ sku }, (error, response) => {
  console.log(error ? `${error.reason ?? error.code}: ${error.details}` : `${response.sku}: ${response.quantity}`);
  client.close();
});
