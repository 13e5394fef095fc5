import { Form, useActionData, useLoaderData, type ActionFunctionArgs, type LoaderFunctionArgs } from "react-router";
import logo from "../logo.svg?no-inline";

export const loader = ({ request }: LoaderFunctionArgs) => ({
  name: new URL(request.url).searchParams.get("name") ?? "world",
  language: request.headers.get("Accept-Language"),
});

export const action = async ({ request }: ActionFunctionArgs) => ({ said: String((await request.formData()).get("text")) });

export const headers = () => ({ "X-Rendered-By": "react-router" });

export default function Home() {
  const { name, language } = useLoaderData<typeof loader>();
  const done = useActionData<typeof action>();
  return (
    <main>
      <img src={logo} alt="" />
      <h1>Grüße, {name}</h1>
      <p>{language}</p>
      <Form method="post">
        <input name="text" defaultValue={done?.said} />
      </Form>
    </main>
  );
}
